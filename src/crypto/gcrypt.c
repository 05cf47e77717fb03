// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256 and Ed25519 for the agent on Windows, on libgcrypt, which Debian builds for it. Random
 * bytes and base64 are the system's. Kept beside the files for OpenSSL, so that both answer the
 * same tests.
 */
#include <crypto/crypto.h>
#include <crypto/ed25519.h>
#include <crypto/sha256.h>

#include <gcrypt.h>
#include <pthread.h>
#include <windows.h>
#include <wincrypt.h>

#define GCRYPT_LEAST "1.10.0"
#define PEM_LINE     64

/* A private key in PKCS #8 up to its seed (RFC 8410, 7). */
static const uint8_t pkcs8_head[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
				      0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
#define PKCS8_LENGTH (sizeof(pkcs8_head) + ED25519_KEY_LENGTH)
static const char pem_begin[] = "-----BEGIN PRIVATE KEY-----",
		  pem_end[] = "-----END PRIVATE KEY-----";

static void start(void)
{
	BUG_ON(!gcry_check_version(GCRYPT_LEAST));
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

static void be_ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	BUG_ON(pthread_once(&once, start));
}

struct sha256 {
	gcry_md_hd_t md;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *hash = xalloc(1, sizeof(*hash));

	be_ready();
	if (!gcry_md_open(&hash->md, GCRY_MD_SHA256, 0))
		return hash;
	free(hash);
	return NULL;
}

void sha256_free(struct sha256 *hash)
{
	if (!hash)
		return;
	gcry_md_close(hash->md);
	free(hash);
}

bool sha256_update(struct sha256 *hash, const void *data, size_t length)
{
	gcry_md_write(hash->md, data, length);
	return true;
}

bool sha256_final(struct sha256 *hash, uint8_t out[SHA256_LENGTH])
{
	const uint8_t *digest = gcry_md_read(hash->md, GCRY_MD_SHA256);

	if (!digest)
		return false;
	memcpy(out, digest, SHA256_LENGTH);
	gcry_md_reset(hash->md);
	return true;
}

bool hash_sha256(const void *data, size_t length, uint8_t out[SHA256_LENGTH])
{
	be_ready();
	gcry_md_hash_buffer(GCRY_MD_SHA256, out, data, length);
	return true;
}

bool hmac_sha256(const uint8_t *key, size_t key_length, const struct iovec *parts, int count,
		 uint8_t out[32])
{
	size_t length = 32;
	gcry_mac_hd_t mac;
	bool good;

	be_ready();
	if (gcry_mac_open(&mac, GCRY_MAC_HMAC_SHA256, 0, NULL))
		return false;
	good = !gcry_mac_setkey(mac, key, key_length);
	for (int i = 0; good && i < count; i++)
		good = !gcry_mac_write(mac, parts[i].iov_base, parts[i].iov_len);
	good = good && !gcry_mac_read(mac, out, &length) && length == 32;
	gcry_mac_close(mac);
	return good;
}

bool secret_equal(const void *a, const void *b, size_t length)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differs = 0;

	while (length--)
		differs |= *x++ ^ *y++;
	return !differs;
}

void secret_wipe(void *data, size_t length)
{
	SecureZeroMemory(data, length);
}

static void sexp_free(gcry_sexp_t *s)
{
	gcry_sexp_release(*s);
}
#define auto_sexp cleanup(sexp_free)

static gcry_sexp_t private_of(const uint8_t seed[ED25519_KEY_LENGTH],
			      const uint8_t public_key[ED25519_KEY_LENGTH])
{
	gcry_sexp_t key = NULL;

	if (gcry_sexp_build(&key, NULL,
			    "(private-key (ecc (curve Ed25519) (flags eddsa) (q %b) (d %b)))",
			    ED25519_KEY_LENGTH, public_key, ED25519_KEY_LENGTH, seed))
		return NULL;
	return key;
}

static gcry_sexp_t message_of(const void *data, size_t length)
{
	gcry_sexp_t message = NULL;

	if (length > INT32_MAX ||
	    gcry_sexp_build(&message, NULL, "(data (flags eddsa) (hash-algo sha512) (value %b))",
			    (int)length, data))
		return NULL;
	return message;
}

bool ed25519_public(const uint8_t seed[ED25519_KEY_LENGTH], uint8_t public_key[ED25519_KEY_LENGTH])
{
	gcry_sexp_t key auto_sexp = NULL;
	gcry_ctx_t ctx = NULL;
	gcry_mpi_t point;
	const uint8_t *bytes;
	unsigned bits = 0;
	bool good = false;

	be_ready();
	if (gcry_sexp_build(&key, NULL, "(private-key (ecc (curve Ed25519) (flags eddsa) (d %b)))",
			    ED25519_KEY_LENGTH, seed) ||
	    gcry_mpi_ec_new(&ctx, key, NULL))
		return false;
	/* "q@eddsa": the public point as RFC 8032 writes it. */
	point = gcry_mpi_ec_get_mpi("q@eddsa", ctx, 1);
	bytes = point ? gcry_mpi_get_opaque(point, &bits) : NULL;
	if (bytes && bits == ED25519_KEY_LENGTH * 8) {
		memcpy(public_key, bytes, ED25519_KEY_LENGTH);
		good = true;
	}
	gcry_mpi_release(point);
	gcry_ctx_release(ctx);
	return good;
}

/* Half of a signature, which is a number of 32 bytes without its leading zeros or with them. */
static bool take_half(gcry_sexp_t signature, const char *name, uint8_t out[ED25519_KEY_LENGTH])
{
	gcry_sexp_t half auto_sexp = gcry_sexp_find_token(signature, name, 0);
	size_t length = 0;
	const char *bytes = half ? gcry_sexp_nth_data(half, 1, &length) : NULL;

	if (!bytes || length != ED25519_KEY_LENGTH)
		return false;
	memcpy(out, bytes, length);
	return true;
}

bool ed25519_sign(const uint8_t seed[ED25519_KEY_LENGTH], const void *data, size_t length,
		  uint8_t signature[ED25519_SIGNATURE_LENGTH])
{
	gcry_sexp_t key auto_sexp = NULL, message auto_sexp = NULL, result auto_sexp = NULL;
	uint8_t public_key[ED25519_KEY_LENGTH];

	if (!ed25519_public(seed, public_key))
		return false;
	key = private_of(seed, public_key);
	message = message_of(data, length);
	return key && message && !gcry_pk_sign(&result, message, key) &&
	       take_half(result, "r", signature) &&
	       take_half(result, "s", signature + ED25519_KEY_LENGTH);
}

/*
 * Is the second half of a signature below the order of the group (RFC 8032, 5.1.7)? The library
 * does not look, and would take a second signature that anyone can make of a first one.
 */
static bool is_reduced(const uint8_t s[ED25519_KEY_LENGTH])
{
	static const uint8_t order[ED25519_KEY_LENGTH] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,	       0xd6,
		0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10,
	};

	for (size_t i = ED25519_KEY_LENGTH; i-- > 0;) {
		if (s[i] != order[i])
			return s[i] < order[i];
	}
	return false;
}

bool ed25519_verify(const uint8_t public_key[ED25519_KEY_LENGTH], const void *data, size_t length,
		    const uint8_t signature[ED25519_SIGNATURE_LENGTH])
{
	gcry_sexp_t key auto_sexp = NULL, message auto_sexp = NULL, sexp auto_sexp = NULL;

	be_ready();
	message = message_of(data, length);
	if (!message || !is_reduced(signature + ED25519_KEY_LENGTH) ||
	    gcry_sexp_build(&key, NULL, "(public-key (ecc (curve Ed25519) (flags eddsa) (q %b)))",
			    ED25519_KEY_LENGTH, public_key) ||
	    gcry_sexp_build(&sexp, NULL, "(sig-val (eddsa (r %b) (s %b)))", ED25519_KEY_LENGTH,
			    signature, ED25519_KEY_LENGTH, signature + ED25519_KEY_LENGTH))
		return false;
	return !gcry_pk_verify(sexp, message, key);
}

bool ed25519_pem_write(const uint8_t seed[ED25519_KEY_LENGTH], struct buf *out)
{
	uint8_t der[PKCS8_LENGTH];
	char text[2 * PKCS8_LENGTH];
	DWORD length = sizeof(text);
	bool good;

	memcpy(der, pkcs8_head, sizeof(pkcs8_head));
	memcpy(der + sizeof(pkcs8_head), seed, ED25519_KEY_LENGTH);
	good = CryptBinaryToStringA(der, sizeof(der), CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF,
				    text, &length);
	if (good) {
		_Static_assert((PKCS8_LENGTH + 2) / 3 * 4 <= PEM_LINE, "it is one line");
		buf_text(out, pem_begin);
		buf_u8(out, '\n');
		buf_bytes(out, text, length);
		buf_u8(out, '\n');
		buf_text(out, pem_end);
		buf_u8(out, '\n');
	}
	secret_wipe(der, sizeof(der));
	secret_wipe(text, sizeof(text));
	return good && !out->failed;
}

bool ed25519_pem_read(const void *text, size_t length, uint8_t seed[ED25519_KEY_LENGTH])
{
	uint8_t der[PKCS8_LENGTH];
	DWORD size = sizeof(der);
	bool good;

	if (length > INT32_MAX || length <= sizeof(pem_begin) ||
	    memcmp(text, pem_begin, sizeof(pem_begin) - 1) != 0)
		return false;
	/* Larger than the one form there is: it does not fit, and is no key of ours. */
	good = CryptStringToBinaryA(text, (DWORD)length, CRYPT_STRING_BASE64HEADER, der, &size,
				    NULL, NULL) &&
	       size == sizeof(der) && !memcmp(der, pkcs8_head, sizeof(pkcs8_head));
	if (good)
		memcpy(seed, der + sizeof(pkcs8_head), ED25519_KEY_LENGTH);
	secret_wipe(der, sizeof(der));
	return good;
}

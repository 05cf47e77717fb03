// SPDX-License-Identifier: Apache-2.0
/*
 * A private smbd for the tests of the client: a directory, a port of 127.0.0.1, one account, its
 * own processes. Where smbd is not installed, or the test is not root, the tests say so and are
 * skipped.
 */
#ifndef TEST_PRIVATE_SMBD_H
#define TEST_PRIVATE_SMBD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <base/base.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMBD_USER     "root"
#define SMBD_PASSWORD "Correct-Horse-7"

static struct {
	char directory[64];
	uint16_t port;
	pid_t pid;
} smbd;

static uint16_t free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	bind(fd, (struct sockaddr *)&address, sizeof(address));
	getsockname(fd, (struct sockaddr *)&address, &length);
	close(fd);
	return ntohs(address.sin_port);
}

static bool smbd_answers(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(smbd.port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = !connect(fd, (struct sockaddr *)&address, sizeof(address));

	close(fd);
	return answers;
}

static void write_configuration(void)
{
	auto_free char *path = xasprintf("%s/smb.conf", smbd.directory);
	FILE *f = fopen(path, "we");

	fprintf(f,
		"[global]\nserver role = standalone server\nworkgroup = BERTHTEST\n"
		"interfaces = lo\nbind interfaces only = yes\nsmb ports = %u\n"
		"private dir = %s\nlock directory = %s\nstate directory = %s\n"
		"cache directory = %s\npid directory = %s\nncalrpc dir = %s/ncalrpc\n"
		"log file = %s/log\ndisable netbios = yes\nload printers = no\n"
		"server min protocol = SMB2_02\nmap to guest = Bad User\nguest account = root\n"
		"[share]\npath = %s/share\nread only = no\n"
		"[sealed]\npath = %s/share\nread only = no\nsmb encrypt = required\n",
		smbd.port, smbd.directory, smbd.directory, smbd.directory, smbd.directory,
		smbd.directory, smbd.directory, smbd.directory, smbd.directory, smbd.directory);
	fclose(f);
}

static void run_command(const char *command, ...) PRINTF_LIKE(1, 2);
static void run_command(const char *command, ...)
{
	char text[1024];
	va_list args;

	va_start(args, command);
	vsnprintf(text, sizeof(text), command, args);
	va_end(args);
	if (system(text))
		fprintf(stderr, "failed: %s\n", text);
}

static int start_smbd(void **state)
{
	if (access("/usr/sbin/smbd", X_OK) || access("/usr/bin/smbpasswd", X_OK) || geteuid()) {
		fprintf(stderr, "skipped: smbd is not installed, or this is not root\n");
		return 0;
	}
	strcpy(smbd.directory, "/tmp/berth-smbd-XXXXXX");
	assert_non_null(mkdtemp(smbd.directory));
	smbd.port = free_port();
	run_command("mkdir %s/share %s/ncalrpc", smbd.directory, smbd.directory);
	write_configuration();
	run_command("printf '%%s\\n%%s\\n' %s %s | smbpasswd -L -c %s/smb.conf -a -s %s >/dev/null "
		    "2>&1",
		    SMBD_PASSWORD, SMBD_PASSWORD, smbd.directory, SMBD_USER);
	smbd.pid = fork();
	if (!smbd.pid) {
		auto_free char *conf = xasprintf("%s/smb.conf", smbd.directory);
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		setsid(); /* its end is a signal to its whole process group */
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execl("/usr/sbin/smbd", "smbd", "-F", "--no-process-group", "-s", conf, NULL);
		_exit(127);
	}
	for (int i = 0; i < 200 && !smbd_answers(); i++)
		usleep(50000);
	return 0;
}

static int stop_smbd(void **state)
{
	if (!smbd.pid)
		return 0;
	kill(smbd.pid, SIGTERM);
	waitpid(smbd.pid, NULL, 0);
	/* The RPC helper that smbd starts on demand lives on without it; its directory names it as
	 * ours. */
	run_command("for p in $(pgrep -f configfile[=]%s/smb.conf); do kill $p; done",
		    smbd.directory);
	run_command("rm -rf %s", smbd.directory);
	return 0;
}

#define NEEDS_SMBD()                                                                               \
	do {                                                                                       \
		if (!smbd.pid)                                                                     \
			skip();                                                                    \
	} while (0)

#endif

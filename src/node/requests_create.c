// SPDX-License-Identifier: Apache-2.0
/* A file server is made on a volume, or one that is there is taken in. */
#include "requests_server.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a new file server begins with: settings from the request, each checked by the table. */
static const char *const creation_settings[] = { "visibility",	 "addresses", "port",
						 "aliases",	 "fqdn",      "preferred_owners",
						 "drive_letter", "comment",   "anti_affinity" };

static bool check_settings(struct request *r, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(creation_settings); i++) {
		const char *value = request_text(r, creation_settings[i]);
		struct manage_error error;

		if (value && manage_setting_check(name, creation_settings[i], value, &error) !=
				     STATUS_SUCCESS)
			return request_fail_managed(r, &error);
	}
	return true;
}

static bool fill_store(struct request *r, struct store *store)
{
	for (size_t i = 0; i < ARRAY_LEN(creation_settings); i++) {
		const char *value = request_text(r, creation_settings[i]);

		if (value && store_set_setting(store, creation_settings[i], value))
			return request_fail(r, "store", "cannot store %s: %s", creation_settings[i],
					    store_problem());
	}
	return true;
}

static bool make_home(struct request *r, const char *name, const char *home, bool *made)
{
	bool adopt = request_flag(r, "adopt");
	int error;

	*made = false;
	if (adopt)
		return true;
	error = store_create(home, name);
	*made = !error;
	if (!error)
		return true;
	if (error == -EEXIST)
		return request_fail(
			r, "exists",
			"%s holds a file server already; to take it into this cluster as it is: "
			"berth server create %s --volume ... --adopt",
			home, name);
	return request_fail(r, "store", "cannot make the file server in %s: %s", home,
			    store_problem());
}

static bool open_and_add(struct request *r, const char *name, const char *home,
			 struct server_record *record)
{
	struct store *store = NULL;
	char *why = NULL;
	bool done;

	if (store_open(home, &store))
		return request_fail(r, "store", "cannot open the file server in %s: %s", home,
				    store_problem());
	done = fill_store(r, store);
	if (done && facts_of_store(store, record, &why))
		done = request_fail_why(r, "store", why);
	store_close(store);
	if (done && strcasecmp(record->name, name) != 0)
		done = request_fail(r, "bad-request", "%s holds the file server %s, not %s", home,
				    record->name, name);
	return done;
}

bool do_server_create(struct request *r)
{
	const char *name, *volume, *addresses = request_text(r, "addresses");
	const char *engine = request_text(r, "engine");
	const char *port = request_text(r, "port");
	cleanup(server_record_free) struct server_record record = { .want_online = true };
	auto_free char *home = NULL, *database = NULL;
	auto_close int lock = -1;
	bool made = false, done;
	struct stat info;
	char *why = NULL;

	if (!request_need(r, "server", &name) || !request_need(r, "volume", &volume) ||
	    !server_check_name(r, name) || !server_check_unique(r, "", name) ||
	    !check_settings(r, name) || !server_check_class(r, request_text(r, "anti_affinity")) ||
	    !server_check_unique(r, name, request_text(r, "aliases")) ||
	    !server_check_unique(r, name, request_text(r, "fqdn")) ||
	    (addresses && !server_check_addresses(r, addresses)) ||
	    (addresses &&
	     !server_check_address_free(r, name, addresses, port ? strtol(port, NULL, 10) : 445)))
		return false;
	if (engine &&
	    strcmp(engine, node.config.engine == CLUSTER_PACEMAKER ? "pacemaker" : "embedded") != 0)
		return request_fail(r, "bad-request",
				    "this node does not run the engine \"%s\": engine = %s in its "
				    "configuration",
				    engine, engine);
	if (!addresses && !request_flag(r, "adopt"))
		return request_fail(r, "bad-request", "%s needs an address: --address 10.0.0.50/24",
				    name);
	if (volume[0] != '/' || strlen(volume) >= sizeof(record.volume))
		return request_fail(r, "bad-request",
				    "the volume must be an absolute path, not \"%s\"", volume);
	if (stat(volume, &info) == 0 && !S_ISDIR(info.st_mode))
		return request_fail(r, "volume",
				    "the volume %s is no directory; give the directory that the "
				    "file server is to live in",
				    volume);
	if (access(volume, W_OK | X_OK) < 0)
		return request_fail(r, "volume",
				    "the volume %s cannot be used: %s; make the directory or "
				    "mount it first",
				    volume, strerror(errno));
	snprintf(record.volume, sizeof(record.volume), "%s", volume);
	home = xasprintf("%s/" VOLUME_HOME, volume);
	database = xasprintf("%s/server.db", home);
	if (!make_home(r, name, home, &made))
		return false;
	lock = server_lock_home(home);
	if (lock == -EAGAIN)
		return request_fail(r, "busy", "the file server in %s is online in another process",
				    home);
	if (lock < 0)
		return request_fail(r, "volume", "cannot lock %s: %s", home, strerror(-lock));
	done = open_and_add(r, name, home, &record);
	close_fd_ptr(&lock); /* whoever is to own it takes it from here */
	if (done && cluster_add(node.cluster, &record, &why))
		done = request_fail_why(r, "cluster", why);
	if (!done && made)
		unlink(database); /* it was never used */
	return done;
}

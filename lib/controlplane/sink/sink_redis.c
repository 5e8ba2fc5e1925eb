// Records into Redis or Valkey: streams, lists or a channel, sums beside them. All keys of a sensor begin with sw:{SENSOR}:, which
// keeps them in one slot of a Cluster, and so in one transaction.
//
// Nothing is lost and nothing twice: an entry of a stream carries its id of the log, which Redis takes once; a batch is one
// transaction; a connection begins by asking what is there.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink_list.h"
#include "sink/sink_redis.h"

static int redis_create(const struct config *config, void **state, char *target, struct err *err)
{
	struct redis_sink *sink = calloc(1, sizeof(*sink));
	int rc;

	if (sink == NULL)
		return err_set(err, -ENOMEM, "no memory for the output redis");
	rc = redis_sink_init(sink, config, err);
	if (rc == 0)
		rc = redis_settings_read(config, &sink->settings, target, err);
	if (rc < 0) {
		redis_sink_fini(sink);
		free(sink);
		return rc;
	}
	sink->most = config->redis.batch;
	*state = sink;
	return 0;
}

static unsigned redis_most(const void *state)
{
	return ((const struct redis_sink *)state)->most;
}

static void redis_destroy(void *state)
{
	struct redis_sink *sink = state;

	redis_disconnect(sink);
	redis_settings_wipe(&sink->settings);
	redis_sink_fini(sink);
	free(sink);
}

static const struct remote_ops redis_remote = {
	.name = "redis",
	.create = redis_create,
	.most = redis_most,
	.connect = redis_connect,
	.send = redis_send,
	.receive = redis_receive,
	.idle = redis_idle,
	.disconnect = redis_disconnect,
	.destroy = redis_destroy,
};

static bool redis_enabled(const struct config *config)
{
	return config->redis.address[0] != '\0';
}

static int redis_open(const struct config *config, void **state, struct err *err)
{
	return remote_open(&redis_remote, config, state, err);
}

const struct sink_ops sink_redis = {
	.name = "redis",
	.enabled = redis_enabled,
	.aggregates = true,
	.open = redis_open,
	SINK_REMOTE,
};

#include "api/api.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "api/api_server.h"

// MHD has a line for every broken client: ten thousand of those must not fill a log. They are counted.
static void message_count(void *api, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static void message_count(void *api, const char *format, va_list args)
{
	(void)format;
	(void)args;
	((struct api *)api)->counts.messages++;
}

static int daemon_start(struct api *api, struct err *err)
{
	api->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, api_request_handle, api,
				       MHD_OPTION_EXTERNAL_LOGGER, message_count, api,
				       MHD_OPTION_LISTEN_SOCKET, api->listener.fd,
				       MHD_OPTION_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS_MAX,
				       MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS_PER_ADDRESS,
				       MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)API_CONNECTION_BYTES,
				       MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_ANSWER_S,
				       MHD_OPTION_STRICT_FOR_CLIENT, 1,
				       MHD_OPTION_URI_LOG_CALLBACK, api_target_seen, api,
				       MHD_OPTION_NOTIFY_CONNECTION, api_connection_changed, api,
				       MHD_OPTION_NOTIFY_COMPLETED, api_request_ended, api,
				       MHD_OPTION_END);
	if (api->daemon == NULL)
		return err_set(err, -EIO, "the API at %s could not start its server", api->listener.address);
	return 0;
}

int api_open(const struct config *config, struct api **out, struct err *err)
{
	struct api *api = calloc(1, sizeof(*api));
	int rc;

	*out = NULL;
	if (api == NULL)
		return err_set(err, -ENOMEM, "there is no memory for the API");
	for (unsigned i = 0; i < API_CONNECTIONS_MAX; i++)
		api->connection[i].fd = -1;
	rc = api_listen(config->api.listen, &api->listener, err);
	if (rc < 0) {
		free(api);
		return rc;
	}
	*out = api;
	return 0;
}

int api_start(struct api *api, struct control *control, struct err *err)
{
	int rc = ops_create(control, &api->ops);

	if (rc < 0)
		return err_set(err, rc, "there is no memory for the API");
	return api->listener.fd >= 0 ? daemon_start(api, err) : 0;
}

// With nobody there this is one epoll_wait() of 0.2 us: no guard is worth its lines.
unsigned api_turn(struct api *api)
{
	unsigned answered;

	ops_turn(api->ops);
	if (api->daemon == NULL)
		return 0;
	api_requests_turn(api);
	MHD_run(api->daemon);
	api_connections_sweep(api);
	answered = api->answered;
	api->answered = 0;
	return answered;
}

void api_close(struct api *api)
{
	if (api == NULL)
		return;
	api->closing = true;
	if (api->daemon != NULL) {
		api_requests_turn(api); // none may be suspended when the daemon stops
		MHD_run(api->daemon);
		MHD_stop_daemon(api->daemon);
		api->listener.fd = -1; // it was the daemon's, which has closed it
	}
	if (api->ops != NULL)
		ops_destroy(api->ops);
	api_unlisten(&api->listener);
	free(api);
}

const char *api_bound(const struct api *api)
{
	return api->listener.bound[0] != '\0' ? api->listener.bound : NULL;
}

const char *api_address(const struct api *api)
{
	return api != NULL && api->listener.fd >= 0 ? api->listener.address : NULL;
}

// Connections and their deadlines. One thread runs all of it: no lock, and no descriptor can change its owner in between.
#include <sys/socket.h>

#include "api/api_server.h"
#include "base/clock.h"

static const uint64_t ns_per_s = 1000000000u;
static const uint64_t sweep_every_ns = 100000000u;

void api_connection_changed(void *arg, struct MHD_Connection *connection, void **socket, enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct api *api = arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*socket != NULL)
			((struct api_connection *)*socket)->fd = -1;
		return;
	}
	api->counts.connections++;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (unsigned i = 0; i < API_CONNECTIONS_MAX && info != NULL; i++)
		if (api->connection[i].fd < 0) {
			api->connection[i] = (struct api_connection){info->connect_fd, clock_monotonic_ns() + API_HEAD_S * ns_per_s};
			*socket = &api->connection[i];
			return;
		}
}

void api_connection_deadline(struct MHD_Connection *connection, unsigned seconds)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (info != NULL && info->socket_context != NULL)
		((struct api_connection *)info->socket_context)->deadline_ns = clock_monotonic_ns() + seconds * ns_per_s;
}

// Only shut down here: MHD then reads the end and closes by its own ways.
void api_connections_sweep(struct api *api)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (now_ns < api->sweep_ns)
		return;
	api->sweep_ns = now_ns + sweep_every_ns;
	for (unsigned i = 0; i < API_CONNECTIONS_MAX; i++) {
		struct api_connection *c = &api->connection[i];

		if (c->fd < 0 || now_ns < c->deadline_ns)
			continue;
		shutdown(c->fd, SHUT_RDWR);
		c->deadline_ns = UINT64_MAX;
		api->counts.swept++;
	}
}

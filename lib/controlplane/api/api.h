// REST on libmicrohttpd: one face of the operations, and the page at /. It has no thread: control's loop turns it, nothing here
// waits for a client or a worker. What may be changed is changed by few rows of ops_list.c; addresses other than loopback
// are refused.
#ifndef API_API_H
#define API_API_H

#include "base/err.h"
#include "config/config.h"

struct api;
struct control;

// Takes the address that config->api.listen says; nobody is answered yet. "none" opens an api that only turns. On failure *out is
// NULL. First of all steps: a port that is taken must not leave anything behind.
int api_open(const struct config *config, struct api **out, struct err *err);

// From here on it answers. On failure the api is still to be closed.
int api_start(struct api *api, struct control *control, struct err *err);

// Never blocks. Returns how many requests it answered.
unsigned api_turn(struct api *api);
// The address that it listens on, as it came out: "127.0.0.1:43210". NULL: a unix socket, or none.
const char *api_bound(const struct api *api);
void api_close(struct api *api); // NULL is fine

// What a person types into a browser, or "unix:PATH". NULL: it does not listen.
const char *api_address(const struct api *api);

#endif

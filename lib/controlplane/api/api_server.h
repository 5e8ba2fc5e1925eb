// What the files of this folder share: the server, its connections and its requests.
#ifndef API_API_SERVER_H
#define API_API_SERVER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/api_listen.h"
#include "api/api_request.h"
#include "ops/ops.h"

enum {
	API_CONNECTIONS_MAX = 256,
	API_CONNECTIONS_PER_ADDRESS = 32,
	API_CONNECTION_BYTES = 16 << 10, // for a request's line and headers; more is refused by MHD (414, 431)
	API_BYTES_MAX = 64 << 20,        // of answers that wait to be read by their clients
	API_BODIES_MAX = 1 << 20,        // of bodies that are on their way
	API_HEAD_S = 5,                  // from accept to the end of the request's head
	API_KEEP_S = 30,                 // from an answer to the end of the next head
	API_ANSWER_S = 30                // from a head to the end of its answer
};

// MHD counts inactivity, which one byte every two seconds defeats for ever. These deadlines are absolute.
struct api_connection {
	int fd; // -1: free
	uint64_t deadline_ns;
};

struct api_request {
	struct api *api;
	int refused;              // status decided from the raw target alone; 0: none
	struct api_target target;
	bool checked;             // the head is sound
	const struct op *op;      // that the path leads to; NULL: none
	bool writes;
	char *body;               // body_room bytes, body_length of them came; NULL: none is to come
	size_t body_room, body_length;
	struct op_call *call;
	struct MHD_Connection *suspended; // waits for the call; NULL: does not
	struct api_request *next;         // of those that wait
};

struct api_counts {
	uint64_t connections, requests, answers_2xx, answers_4xx, answers_5xx;
	uint64_t swept;    // connections ended at their deadline
	uint64_t messages; // that MHD would have logged
};

struct api {
	struct api_listener listener;
	struct ops *ops;
	struct MHD_Daemon *daemon; // NULL: does not listen
	struct api_request *waiting;
	struct api_connection connection[API_CONNECTIONS_MAX];
	uint64_t sweep_ns;
	uint64_t bytes_waiting;
	uint64_t bodies;           // bytes
	unsigned answered;         // since the last turn
	bool closing;
	struct api_counts counts;
};

// A file of the page, made part of the program at build time.
struct api_asset {
	const char *path, *type;
	const unsigned char *bytes;
	size_t length;
};

extern const struct api_asset api_assets[];
extern const unsigned api_asset_count;

// Handlers of MHD.
void *api_target_seen(void *api, const char *raw, struct MHD_Connection *connection);
enum MHD_Result api_request_handle(void *api, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
				   const char *body, size_t *body_length, void **request);
void api_request_ended(void *api, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode how);
void api_connection_changed(void *api, struct MHD_Connection *connection, void **socket,
			    enum MHD_ConnectionNotificationCode what);

// Lets the requests go on whose answer has come or is overdue.
void api_requests_turn(struct api *api);
void api_connections_sweep(struct api *api);
void api_connection_deadline(struct MHD_Connection *connection, unsigned seconds);

// Queues an answer. bytes: malloc()ed and taken over, or constant.
enum MHD_Result api_answer_taken(struct api *api, struct MHD_Connection *connection, unsigned status, const char *type, char *bytes, size_t length);
enum MHD_Result api_answer_constant(struct api *api, struct MHD_Connection *connection, const char *type, const void *bytes, size_t length);
// {"error": sentence}; ends the connection. op: that the path leads to, for the methods that it allows; may be NULL.
enum MHD_Result api_answer_refused(struct api *api, struct MHD_Connection *connection, unsigned status, const struct op *op, const char *sentence);
enum MHD_Result api_answer_error(struct api *api, struct MHD_Connection *connection, unsigned status, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif

#include "tail_link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "tail_wait.h"

enum { READ_BYTES = 64 * 1024, SHOWN_MAX = 160 };

// ---- bounded replies ----

#if HIREDIS_MAJOR >= 1
#define ELEMENTS size_t
#else
#define ELEMENTS int
#endif

static redisReplyObjectFunctions bounded, *hiredis_own;

// hiredis takes room for as many elements as the server announces.
static void *array_create(const redisReadTask *task, ELEMENTS elements)
{
	struct tail_link *link = task->privdata;

	link->elements += (uint64_t)elements;
	return link->elements <= TAIL_REPLY_ELEMENTS_MAX ? hiredis_own->createArray(task, elements) : NULL;
}

static void replies_bound(struct tail_link *link)
{
	redisReader *reader = link->context->reader;

	if (hiredis_own == NULL) {
		hiredis_own = reader->fn;
		bounded = *hiredis_own;
		bounded.createArray = array_create;
	}
	reader->fn = &bounded;
	reader->privdata = link;
}

// ---- what a server may say ----

static const struct {
	const char *begins;
	int code;
	const char *sentence;
} refusals[] = {
	{"BUSYGROUP", -EEXIST, "the group is there already"},
	{"NOGROUP", -ENOENT, "the stream or its consumer group has gone"},
	{"UNBLOCKED", -ENOENT, "the stream or its consumer group has gone"},
	{"ERR The XGROUP subcommand requires the key to exist", -ENOENT, "there is no such stream yet"},
	{"MOVED", -EREMOTEIO, "this node of a Cluster does not hold the sensor's keys; name all nodes, separated by commas, after --redis"},
	{"ASK", -EREMOTEIO, "this node of a Cluster is just giving the sensor's keys away"},
	{"CROSSSLOT", -EREMOTEIO, "in a Cluster the sensors' keys are on several nodes; start one spanwatch-tail for each sensor"},
	{"TRYAGAIN", -EREMOTEIO, "the Cluster is just moving these keys"},
	{"CLUSTERDOWN", -EREMOTEIO, "the Cluster is down"},
	{"NOAUTH", -EREMOTEIO, "it wants a password; give --password-file, and --user if it has ACL users"},
	{"ERR Protocol error: unauthenticated", -EREMOTEIO, "it wants a password; give --password-file, and --user if it has ACL users"},
	{"WRONGPASS", -EREMOTEIO, "it refuses user and password"},
	{"ERR invalid password", -EREMOTEIO, "it refuses the password"},
	{"ERR Client sent AUTH, but no password is set", -EREMOTEIO, "it has no password, but one was given"},
	{"ERR AUTH", -EREMOTEIO, "it has no password, but one was given"},
	{"NOPERM", -EREMOTEIO, "its ACL does not allow what reading takes (docs/redis-acl.conf has such a user)"},
	{"WRONGTYPE", -EREMOTEIO, "the key is no stream; does spanwatch run with redis.mode = lists? Only streams can be followed"},
	{"READONLY", -EREMOTEIO, "it is a replica, and a consumer group needs the primary; name both after --redis"},
	{"LOADING", -EREMOTEIO, "it is just loading its data"},
	{"MISCONF", -EREMOTEIO, "it cannot save to its disk and takes no changes"},
	{"OOM", -EREMOTEIO, "its memory is full"},
	{"MASTERDOWN", -EREMOTEIO, "it is a replica that has lost its primary"},
};

static int refused(const struct tail_link *link, const redisReply *reply, struct err *err)
{
	char shown[SHOWN_MAX + 1];

	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strncmp(reply->str, refusals[i].begins, strlen(refusals[i].begins)) == 0)
			return err_set(err, refusals[i].code, "Redis at %s: %s", link->address, refusals[i].sentence);
	shown[text_escape(shown, SHOWN_MAX, (const uint8_t *)reply->str, reply->len, NULL)] = '\0';
	return err_set(err, -EREMOTEIO, "Redis at %s refuses: %s", link->address, shown);
}

// ---- asking ----

void tail_words_add(struct tail_words *words, const char *word)
{
	if (words->count < TAIL_WORDS_MAX)
		words->word[words->count++] = word;
}

static int broken(const struct tail_link *link, struct err *err, const char *why)
{
	return err_set(err, -EIO, "Redis at %s: %s", link->address, why);
}

static int wait_for(const struct tail_link *link, short events, uint64_t until_ms, struct err *err)
{
	uint64_t now = tail_now_ms();
	int rc = -ETIMEDOUT;

	if (now < until_ms)
		rc = (link->finishing ? tail_wait_on : tail_wait)(link->context->fd, events, until_ms - now);

	return rc == -ETIMEDOUT ? broken(link, err, "no answer in time") : rc < 0 ? rc : 0;
}

static int send_all(struct tail_link *link, uint64_t until_ms, struct err *err)
{
	int done = 0;

	while (done == 0) {
		int rc;

		if (redisBufferWrite(link->context, &done) != REDIS_OK)
			return broken(link, err, link->context->errstr);
		rc = done == 0 ? wait_for(link, POLLOUT, until_ms, err) : 0;
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int receive(struct tail_link *link, uint64_t until_ms, redisReply **out, struct err *err)
{
	static char bytes[READ_BYTES];
	size_t total = 0;
	void *reply = NULL;

	link->elements = 0;
	for (;;) {
		ssize_t n;
		int rc;

		if (redisReaderGetReply(link->context->reader, &reply) != REDIS_OK)
			return broken(link, err, link->elements > TAIL_REPLY_ELEMENTS_MAX ? "its answer has more elements than any of spanwatch's"
											   : "what it answers is not Redis' protocol");
		if (reply != NULL)
			break;
		if (total > TAIL_REPLY_BYTES_MAX)
			return broken(link, err, "its answer is longer than any of spanwatch's");
		rc = wait_for(link, POLLIN, until_ms, err);
		if (rc != 0)
			return rc;
		n = read(link->context->fd, bytes, sizeof(bytes));
		if (n == 0)
			return broken(link, err, "it closed the connection");
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return broken(link, err, strerror(errno));
		if (n > 0 && redisReaderFeed(link->context->reader, bytes, (size_t)n) != REDIS_OK)
			return broken(link, err, "no memory for its answer");
		total += n > 0 ? (size_t)n : 0;
	}
	*out = reply;
	return 0;
}

int tail_link_ask(struct tail_link *link, const struct tail_words *words, redisReply **out, struct err *err)
{
	uint64_t until_ms = tail_now_ms() + TAIL_ANSWER_MS;
	int rc;

	*out = NULL;
	if (redisAppendCommandArgv(link->context, (int)words->count, (const char **)words->word, NULL) != REDIS_OK)
		return broken(link, err, "no memory for a question");
	rc = send_all(link, until_ms, err);
	if (rc == 0)
		rc = receive(link, until_ms, out, err);
	if (rc == 0 && (*out)->type == REDIS_REPLY_ERROR) {
		rc = refused(link, *out, err);
		freeReplyObject(*out);
		*out = NULL;
	}
	return rc;
}

// ---- opening ----

static int ask_plain(struct tail_link *link, const struct tail_words *words, struct err *err)
{
	redisReply *reply;
	int rc = tail_link_ask(link, words, &reply, err);

	freeReplyObject(reply);
	return rc;
}

static int log_in(struct tail_link *link, const struct tail_args *args, struct err *err)
{
	struct tail_words auth = {0}, select = {0};
	char number[16];
	int rc = 0;

	if (args->password[0] != '\0') {
		tail_words_add(&auth, "AUTH");
		if (args->user[0] != '\0')
			tail_words_add(&auth, args->user);
		tail_words_add(&auth, args->password);
		rc = ask_plain(link, &auth, err);
	}
	if (rc == 0 && args->database != 0) {
		snprintf(number, sizeof(number), "%u", args->database);
		tail_words_add(&select, "SELECT");
		tail_words_add(&select, number);
		rc = ask_plain(link, &select, err);
	}
	return rc;
}

static redisContext *begin(const char *address)
{
	const char *colon = strrchr(address, ':');
	char host[TAIL_ADDRESS_MAX];
	size_t length = (size_t)(colon - address);

	if (strncmp(address, "unix:", 5) == 0)
		return redisConnectUnixNonBlock(address + 5);
	if (address[0] == '[' && length > 2 && address[length - 1] == ']') { // an IPv6 address
		address++;
		length -= 2;
	}
	snprintf(host, sizeof(host), "%.*s", (int)length, address);
	return redisConnectNonBlock(host, atoi(colon + 1));
}

int tail_link_open(struct tail_link *link, const struct tail_args *args, const char *address, struct err *err)
{
	int failed = 0, rc;

	tail_link_close(link);
	link->address = address;
	link->context = begin(address);
	if (link->context == NULL)
		return err_set(err, -ENOMEM, "Redis at %s: no memory for a connection", address);
	if (link->context->err != 0)
		return broken(link, err, link->context->errstr);
	replies_bound(link);
	rc = wait_for(link, POLLOUT, tail_now_ms() + TAIL_ANSWER_MS, err);
	if (rc != 0)
		return rc;
	if (getsockopt(link->context->fd, SOL_SOCKET, SO_ERROR, &failed, &(socklen_t){sizeof(failed)}) != 0 || failed != 0)
		return broken(link, err, strerror(failed != 0 ? failed : errno));
	return log_in(link, args, err);
}

void tail_link_close(struct tail_link *link)
{
	if (link->context != NULL)
		redisFree(link->context);
	link->context = NULL;
}

// The connection to Redis against servers that are none, that are slow, hostile or not the primary: each becomes a cause and a
// sentence, in bounded time, and no sentence has the password in it.
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "redis_refusal.h"

enum { TIMEOUT_MS = 150, FLOOD_BYTES = 4 << 20 };

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// ---- settings ----

static int settings_try(const char *address, enum config_redis_servers servers, struct redis_settings *s, char *target,
			struct err *err)
{
	static struct config config;

	memset(&config, 0, sizeof(config));
	snprintf(config.redis.address, sizeof(config.redis.address), "%s", address);
	snprintf(config.redis.sentinel_master, sizeof(config.redis.sentinel_master), "mymaster");
	config.redis.servers = servers;
	config.redis.timeout_ms = TIMEOUT_MS;
	config.redis.database = strncmp(address, "db", 2) == 0 ? 3 : 0;
	return redis_settings_read(&config, s, target, err);
}

static void addresses_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		enum config_redis_servers servers;
	} good[] = {
		{"redis.example:7000", "redis.example", 7000, CONFIG_REDIS_AUTO}, {"redis", "redis", 6379, CONFIG_REDIS_AUTO},
		{"redis", "redis", 26379, CONFIG_REDIS_SENTINEL}, {" [2001:db8::1]:7000 ,", "2001:db8::1", 7000, CONFIG_REDIS_AUTO},
		{"[::1]", "::1", 6379, CONFIG_REDIS_SINGLE}, {"::1", "::1", 6379, CONFIG_REDIS_SINGLE},
		{"unix:/run/redis.sock", "/run/redis.sock", 0, CONFIG_REDIS_AUTO},
	};
	struct redis_settings s;
	char target[SINK_TARGET_MAX];
	struct err err = {""};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(settings_try(good[i].text, good[i].servers, &s, target, &err), 0);
		assert_int_equal(s.address_count, 1);
		assert_string_equal(s.addresses[0].host, good[i].host);
		assert_int_equal(s.addresses[0].port, good[i].port);
		redis_settings_wipe(&s);
		redis_settings_wipe(&s);
	}
	assert_int_equal(settings_try("db1:1, [::2]:2, unix:/x", CONFIG_REDIS_AUTO, &s, target, &err), 0);
	assert_string_equal(target, "db1:1, [::2]:2, unix:/x database 3");
	redis_settings_wipe(&s);
}

static void other_addresses_are_refused(void **state)
{
	static const char *const bad[] = {"", " , ", "a:", "a:0", "a:65536", "a:1x", "a:123456", ":6379", "[::1", "[::1]6379", "a b:1", "a/b:1",
					  "unix:redis.sock", "unix:", "redis://u:" PASSWORD "@h:1", "u:" PASSWORD "@h", "a\x01:1"};
	char target[SINK_TARGET_MAX], many[34 * 8] = "", longer[300];
	struct redis_settings s;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.text[0] = '\0';
		assert_int_equal(settings_try(bad[i], CONFIG_REDIS_AUTO, &s, target, &err), -EINVAL);
		assert_non_null(strstr(err.text, "redis.address"));
		assert_null(strstr(err.text, PASSWORD));
		assert_null(s.memory);
	}
	for (unsigned i = 0; i < REDIS_ADDRESSES_MAX + 1; i++)
		snprintf(many + i * 4, sizeof(many) - i * 4, "h%02u,", i);
	assert_int_equal(settings_try(many, CONFIG_REDIS_AUTO, &s, target, &err), -EINVAL);
	many[REDIS_ADDRESSES_MAX * 4] = '\0';
	assert_int_equal(settings_try(many, CONFIG_REDIS_AUTO, &s, target, &err), 0);
	assert_int_equal(s.address_count, REDIS_ADDRESSES_MAX);
	assert_non_null(strstr(target, " more"));
	redis_settings_wipe(&s);
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "unix:/", 6);
	longer[5 + 108] = '\0';
	assert_int_equal(settings_try(longer, CONFIG_REDIS_AUTO, &s, target, &err), -EINVAL);
	assert_int_equal(settings_try("db1", CONFIG_REDIS_CLUSTER, &s, target, &err), -EINVAL);
	assert_non_null(strstr(err.text, "redis.database"));
}

static void tls_is_refused_where_there_is_none(void **state)
{
	static struct config config = {.redis = {.address = "h:1", .tls = true, .timeout_ms = TIMEOUT_MS}};
	struct redis_settings s;
	char target[SINK_TARGET_MAX];
	struct err err = {""};
	int rc = redis_settings_read(&config, &s, target, &err);

	(void)state;
	assert_int_equal(rc, redis_tls_built() ? 0 : -EINVAL);
	assert_true(rc == 0 || strstr(err.text, "hiredis") != NULL);
	if (rc == 0)
		redis_settings_wipe(&s);
}

// ---- first words ----

static void hello_says_who_we_are(void **state)
{
	static const char want[] = "*3\r\n$4\r\nAUTH\r\n$6\r\nsensor\r\n$8\r\n" PASSWORD "\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
				   "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$9\r\nspanwatch\r\n*1\r\n$4\r\nROLE\r\n"
				   "*2\r\n$4\r\nINFO\r\n$7\r\ncluster\r\n*1\r\n$4\r\nPING\r\n";
	size_t pieces[] = {0, 1, 7};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct fake *f = calloc(1, sizeof(*f));
		struct remote_fault fault = {0};
		struct redis_settings s;
		struct redis_link *link;
		redisReply *reply;

		assert_non_null(f);
		f->calls[0] = (struct fake_call){.answer = OK OK "-ERR no names\r\n" PRIMARY ALONE "+PONG\r\n", .piece = pieces[i]};
		fake_start(f, 1);
		settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){f}, 1);
		snprintf(s.user, sizeof(s.user), "sensor");
		snprintf(s.password, sizeof(s.password), PASSWORD);
		s.database = 3;
		assert_int_equal(redis_link_open(&s, "k", &link, &fault), 0);
		assert_int_equal(redis_link_append(link, 1, (const char *[]){"PING"}, NULL), 0);
		assert_int_equal(redis_link_flush(link, &fault), 0);
		assert_int_equal(redis_link_reply(link, &reply, &fault), 0);
		assert_true(redis_reply_is(reply, "PONG"));
		assert_int_equal(redis_reply_fault(reply, &fault), 0);
		freeReplyObject(reply);
		redis_link_close(link);
		redis_settings_wipe(&s);
		for (size_t at = 0; at < sizeof(s.password); at++)
			assert_int_equal(s.password[at], 0);
		fake_stop(f);
		assert_int_equal(f->heard_bytes, sizeof(want) - 1);
		assert_memory_equal(f->heard, want, sizeof(want) - 1);
		free(f);
	}
	redis_link_close(NULL);
}

static void who_is_not_redis_is_told_so(void **state)
{
	static const struct {
		const char *answer, *part;
	} others[] = {
		{"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks HTTP; check redis.address"}, {"SSH-2.0-OpenSSH_9.2\r\n", "speaks SSH"},
		{"220 mail ESMTP\r\n", "speaks SMTP or FTP"}, {"\x15\x03\x01\x02\x02\x46", "speaks TLS (redis.tls)"},
		{"ERROR\r\n", "speaks memcached"}, {"\xff\xfe garbage", "does not speak Redis"}, {"*1000000000\r\n", "too wide"},
		{"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "nest"}, {":99999999999999999999\r\n", "does not speak Redis"},
		{"$-7\r\n", "does not speak Redis"}, {"%1\r\n+a\r\n:1\r\n", "does not speak Redis"},
		{"*1\r\n,5.3\r\n", "does not speak Redis"}, {"+OK\r\n+OK\r\n:7\r\n", "ROLE"},
		{OK ":1\r\n$0\r\n\r\n", "ROLE"}, {OK "*1\r\n$4\r\nlord\r\n" ALONE, "ROLE"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		for (size_t piece = 0; piece < 2; piece++)
			refusal_check((struct fake_call){.answer = others[i].answer, .piece = piece}, "", "protocol", others[i].part);
}

static void what_has_no_end_is_cut_off(void **state)
{
	static const char *const begins[] = {"+", "$2147483647\r\n", "-ERR ", "*32768\r\n"};
	char *flood = malloc(FLOOD_BYTES);

	(void)state;
	assert_non_null(flood);
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		size_t used = strlen(begins[i]);

		memset(flood, 'a', FLOOD_BYTES);
		memcpy(flood, begins[i], used);
		for (size_t at = used; begins[i][0] == '*' && at + 20 < FLOOD_BYTES; at += 20)
			memcpy(flood + at, "$14\r\naaaaaaaaaaaaa\r\n", 20);
		refusal_check((struct fake_call){.answer = flood, .length = FLOOD_BYTES}, "", "protocol", "");
	}
	free(flood);
}

static void waiting_ends(void **state)
{
	static char drips[1000]; // one byte after the other: a minute and a half
	uint64_t start = clock_ms(), took;

	(void)state;
	memset(drips, '+', sizeof(drips) - 1);
	patience_ms = TIMEOUT_MS;
	refusal_check((struct fake_call){.answer = ""}, "", "timeout", "within 150 ms");
	refusal_check((struct fake_call){.answer = OK "*3\r\n$6\r\nmas"}, "", "timeout", "within 150 ms");
	took = clock_ms() - start;
	assert_true(took >= 2 * TIMEOUT_MS - 2);
	start = clock_ms();
	refusal_check((struct fake_call){.answer = drips, .piece = 1, .pause_ms = TIMEOUT_MS * 2 / 3}, "", "timeout", "");
	took = clock_ms() - start;
	assert_true(took >= 10 * TIMEOUT_MS - 2 && took < 300 * TIMEOUT_MS);
	patience_ms = PATIENCE_MS;
}

// A name server that says nothing: every name but numbers is looked up for long.
static atomic_bool names_hang;

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (real == NULL)
		real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
	while (names_hang && (hints->ai_flags & AI_NUMERICHOST) == 0)
		usleep(1000);
	return real(name, service, hints, list);
}

static void patience_try(struct redis_settings *s, const char *cause, const char *says)
{
	struct remote_patience patience = {.until_ns = UINT64_MAX};
	struct remote_fault fault = {0};
	uint64_t start = clock_ms();
	struct redis_link *link;

	s->timeout_ms = 30000;
	s->patience = &patience;
	assert_false(remote_patience_over(&patience));
	remote_patience_end(&patience, 1);
	assert_int_equal(redis_link_open(s, "k", &link, &fault), -EIO);
	fault_check(&fault, cause, says);
	assert_in_range(clock_ms() - start, 990, 25000);
	redis_settings_wipe(s);
}

// The program ends: whatever is waited for then, is not waited for any longer.
static void patience_ends(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), full[2];
	struct remote_fault fault = {0};
	struct redis_settings s;
	struct redis_link *link;

	(void)state;
	f->calls[0] = (struct fake_call){.answer = OK};
	fake_start(f, 1);
	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){f}, 1);
	patience_try(&s, "timeout", "");
	fake_stop(f);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	for (unsigned i = 0; i < 2; i++) { // no more connections come through
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(full[i], (struct sockaddr *)&address, length);
	}
	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){f}, 1);
	s.addresses[0].port = ntohs(address.sin_port);
	patience_try(&s, "timeout", "");

	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){f}, 1);
	snprintf(s.addresses[0].host, sizeof(s.addresses[0].host), "localhost");
	names_hang = true;
	patience_try(&s, "resolve", "cannot look up the name");
	names_hang = false;
	usleep(100000); // what was left behind ends by itself
	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){f}, 1);
	snprintf(s.addresses[0].host, sizeof(s.addresses[0].host), "localhost");
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	fault_check(&fault, "refused", "no Redis listens at localhost");
	redis_settings_wipe(&s);
	close(listener);
	close(full[0]);
	close(full[1]);
	free(f);
}

static void who_goes_away_has_gone(void **state)
{
	struct redis_settings s;
	struct remote_fault fault = {0};
	struct fake none = {0};
	struct redis_link *link;

	(void)state;
	refusal_check((struct fake_call){.answer = "", .hang_up = true}, "", "closed", "does it expect TLS");
	refusal_check((struct fake_call){.answer = OK "*3\r\n$6", .hang_up = true}, "", "closed", "closed the connection");
	refusal_check((struct fake_call){.answer = "-ERR max number of clients reached\r\n", .uninvited = true, .hang_up = true}, "",
		      "clients", "max number of clients");
	refusal_check((struct fake_call){.answer = "-DENIED in protected mode\r\n", .uninvited = true, .hang_up = true}, PASSWORD, "auth",
		      "protected mode");
	fake_start(&none, 0);
	fake_stop(&none); // a port that is closed now
	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){&none}, 1);
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	fault_check(&fault, "refused", "no Redis listens at 127.0.0.1:");
	s.addresses[0] = (struct redis_address){.host = "/nonexistent/redis.sock"};
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	fault_check(&fault, "socket", "unix:/nonexistent/redis.sock");
	redis_settings_wipe(&s);
}

static void passwords_are_not_repeated(void **state)
{
	(void)state;
	refusal_check((struct fake_call){.answer = "-ERR unknown command 'AUTH', with args beginning with: '" PASSWORD "'\r\n" OK PRIMARY ALONE},
		      PASSWORD, "auth", "redis.password_file");
	refusal_check((struct fake_call){.answer = "-WRONGPASS " PASSWORD "\r\n" OK PRIMARY ALONE}, PASSWORD, "auth", "(WRONGPASS)");
	refusal_check((struct fake_call){.answer = OK OK "-LOADING " PASSWORD PASSWORD " is " PASSWORD "\r\n" ALONE}, PASSWORD, "loading",
		      "**** is ****");
	refusal_check((struct fake_call){.answer = "*2\r\n$4\r\nAUTH\r\n$8\r\n" PASSWORD "\r\n" OK PRIMARY ALONE}, PASSWORD, "protocol", "AUTH");
	refusal_check((struct fake_call){.answer = PASSWORD "\r\n"}, PASSWORD, "protocol", "does not speak Redis");
	refusal_check((struct fake_call){.answer = OK "-NOAUTH Authentication required.\r\n-NOAUTH Authentication required.\r\n"}, "", "auth",
		      "NOAUTH");
}

// ---- errors ----

static void every_error_has_its_cause(void **state)
{
	static const struct {
		const char *words, *cause;
		bool patient, keep;
	} errors[] = {
		{"NOAUTH Authentication required.", "auth", true, false}, {"WRONGPASS invalid", "auth", true, false},
		{"NOPERM this user", "auth", true, false}, {"DENIED Redis is running", "auth", true, false},
		{"OOM command not allowed", "oom", false, true}, {"READONLY You can't", "readonly", false, false},
		{"MISCONF Redis is", "misconf", false, true}, {"LOADING Redis is", "loading", false, false},
		{"MASTERDOWN Link", "masterdown", false, false}, {"CLUSTERDOWN The", "clusterdown", false, false},
		{"MOVED 1 6.6.6.6:6", "moved", false, false}, {"ASK 1 6.6.6.6:6", "migrating", false, false},
		{"TRYAGAIN Multiple", "migrating", false, false}, {"WRONGTYPE Operation", "wrongtype", true, true},
		{"EXECABORT Transaction", "aborted", false, false}, {"BUSY Redis", "busy", false, false},
		{"NOREPLICAS Not enough", "noreplicas", false, true}, {"ERR max number of clients reached", "clients", false, false},
		{"ERR syntax", "error", false, false}, {"OOMPH", "error", false, false}, {"", "error", false, false}, {"OOM", "oom", false, true},
	};
	char words[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		redisReply reply = {.type = REDIS_REPLY_ERROR, .str = words, .len = strlen(errors[i].words)};
		struct remote_fault fault = {0};

		memcpy(words, errors[i].words, reply.len + 1);
		assert_int_equal(redis_reply_fault(&reply, &fault), -EIO);
		fault_check(&fault, errors[i].cause, errors[i].words);
		assert_int_equal(fault.patient, errors[i].patient);
		assert_int_equal(fault.keep, errors[i].keep);
		reply.type = REDIS_REPLY_STRING;
		assert_int_equal(redis_reply_fault(&reply, &fault), 0);
	}
}

static void words_are_made_printable(void **state)
{
	struct remote_fault fault = {0};
	char words[1000];

	(void)state;
	memset(words, '\n', sizeof(words));
	memcpy(words, "OOM \x1b[31m", 8);
	assert_int_equal(redis_reply_fault(&(redisReply){.type = REDIS_REPLY_ERROR, .str = words, .len = sizeof(words)}, &fault), -EIO);
	fault_check(&fault, "oom", "OOM \\x1b[31");
	for (const char *at = fault.err.text; *at != '\0'; at++)
		assert_true(*at >= ' ' && *at <= '~');
}

// ---- much at once ----

// It says more than the sockets hold before it listens: who only writes would wait for ever.
static void both_sides_talk_at_once(void **state)
{
	enum { REPLIES = 400000, COMMANDS = 300, COMMAND_BYTES = 16000 };
	static char command[COMMAND_BYTES];
	struct fake *f = calloc(1, sizeof(*f));
	size_t used = strlen(OK PRIMARY ALONE), each = strlen(":123456\r\n");
	char *answer = malloc(used + REPLIES * each + 1);
	struct remote_fault fault = {0};
	struct redis_settings s;
	struct redis_link *link;
	redisReply *reply;

	(void)state;
	assert_non_null(f);
	assert_non_null(answer);
	memcpy(answer, OK PRIMARY ALONE, used);
	for (unsigned i = 0; i < REPLIES; i++)
		memcpy(answer + used + i * each, ":123456\r\n", each);
	f->calls[0] = (struct fake_call){.answer = answer, .length = used + REPLIES * each, .then = "+HEARD\r\n",
					 .after = COMMANDS * COMMAND_BYTES};
	fake_start(f, 1);
	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){f}, 1);
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), 0);
	memset(command, 'x', sizeof(command));
	for (unsigned i = 0; i < COMMANDS; i++)
		assert_int_equal(redis_link_append(link, 1, (const char *[]){command}, (size_t[]){sizeof(command)}), 0);
	assert_int_equal(redis_link_flush(link, &fault), 0);
	for (unsigned i = 0; i < REPLIES; i++) {
		assert_int_equal(redis_link_reply(link, &reply, &fault), 0);
		assert_true(reply->type == REDIS_REPLY_INTEGER && reply->integer == 123456);
		freeReplyObject(reply);
	}
	assert_int_equal(redis_link_reply(link, &reply, &fault), 0);
	assert_true(redis_reply_is(reply, "HEARD"));
	freeReplyObject(reply);
	redis_link_close(link);
	redis_settings_wipe(&s);
	fake_stop(f);
	free(answer);
	free(f);
}

// Why a server went away is still read after it took no more.
static void last_words_are_heard(void **state)
{
	static char command[1 << 20];
	struct fake *f = calloc(1, sizeof(*f));
	struct remote_fault fault = {0};
	struct redis_settings s;
	struct redis_link *link;
	redisReply *reply;

	(void)state;
	assert_non_null(f);
	f->calls[0] = (struct fake_call){.answer = OK PRIMARY ALONE "-ERR going down\r\n", .hang_up = true};
	fake_start(f, 1);
	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){f}, 1);
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), 0);
	memset(command, 'x', sizeof(command));
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(redis_link_append(link, 1, (const char *[]){command}, (size_t[]){sizeof(command)}), 0);
	for (unsigned i = 0; i < 1000 && !link->deaf; i++) {
		assert_int_equal(redis_link_flush(link, &fault), 0);
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	assert_true(link->deaf);
	assert_int_equal(redis_link_reply(link, &reply, &fault), 0);
	assert_true(redis_reply_begins(reply, "ERR going down"));
	freeReplyObject(reply);
	assert_int_equal(redis_link_reply(link, &reply, &fault), -EIO);
	fault_check(&fault, "closed", "closed the connection");
	redis_link_close(link);
	redis_settings_wipe(&s);
	fake_stop(f);
	free(f);
}

static void an_exec_of_refusals_is_taken(void **state)
{
	enum { ITEMS = 1024, ROOM = 256 * 1024 };
	static const char item[] = "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n";
	redisReader *reader = redisReaderCreate();
	struct redis_replies replies;
	redisReply *reply = NULL;
	const char *why = NULL;

	(void)state;
	redis_replies_init(&replies, reader);
	assert_int_equal(redisReaderFeed(reader, "*1024\r\n", 7), REDIS_OK);
	for (unsigned i = 0; i < ITEMS; i++) {
		assert_int_equal(redis_replies_next(&replies, &reply, &why), 0);
		assert_int_equal(redisReaderFeed(reader, item, sizeof(item) - 1), REDIS_OK);
	}
	assert_int_equal(redis_replies_next(&replies, &reply, &why), 1);
	assert_int_equal(reply->elements, ITEMS);
	freeReplyObject(reply);
	redisReaderFree(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_taken_apart),
		cmocka_unit_test(other_addresses_are_refused),
		cmocka_unit_test(tls_is_refused_where_there_is_none),
		cmocka_unit_test(hello_says_who_we_are),
		cmocka_unit_test(who_is_not_redis_is_told_so),
		cmocka_unit_test(what_has_no_end_is_cut_off),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(patience_ends),
		cmocka_unit_test(who_goes_away_has_gone),
		cmocka_unit_test(passwords_are_not_repeated),
		cmocka_unit_test(every_error_has_its_cause),
		cmocka_unit_test(words_are_made_printable),
		cmocka_unit_test(both_sides_talk_at_once),
		cmocka_unit_test(last_words_are_heard),
		cmocka_unit_test(an_exec_of_refusals_is_taken),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

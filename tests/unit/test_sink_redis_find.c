// Which server is the primary: replicas are passed over, a Cluster and Sentinels are asked, and no address is taken from anyone else.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "redis_refusal.h"

static void replicas_are_passed_over(void **state)
{
	struct fake replica = {0}, primary = {0}, stranger = {0};
	struct redis_settings s;
	struct remote_fault fault = {0};
	struct redis_link *link;
	char role[200];

	(void)state;
	fake_start(&stranger, 1);
	snprintf(role, sizeof(role), OK "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:%u\r\n$9\r\nconnected\r\n:1\r\n" ALONE, stranger.port);
	replica.calls[0] = replica.calls[1] = (struct fake_call){.answer = role};
	primary.calls[0] = primary.calls[1] = (struct fake_call){.answer = OK PRIMARY ALONE};
	fake_start(&replica, 2);
	fake_start(&primary, 2);
	settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){&replica, &primary}, 2);
	for (unsigned i = 0; i < 2; i++) { // the second time it begins with the primary
		assert_int_equal(redis_link_open(&s, "k", &link, &fault), 0);
		assert_int_equal(link->address.port, primary.port);
		redis_link_close(link);
	}
	assert_int_equal(atomic_load(&replica.accepted), 1);
	s.address_count = 1;
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	fault_check(&fault, "readonly", "is a replica");
	assert_int_equal(atomic_load(&stranger.accepted), 0);
	redis_settings_wipe(&s);
	fake_stop(&replica);
	fake_stop(&primary);
	fake_stop(&stranger);
}

// Both nodes are asked for what the other has; a host that is empty or null is the one that was asked.
static void clusters_name_the_primary_of_a_slot(void **state)
{
	static const char *const hosts[] = {"$9\r\n127.0.0.1", "$0\r\n", "$-1", "$1\r\n?", "$4\r\na b\n"};
	char slots[400];

	(void)state;
	for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct fake asked = {0}, owner = {0};
		struct remote_fault fault = {0};
		struct redis_settings s;
		struct redis_link *link;
		int rc;

		owner.calls[0] = (struct fake_call){.answer = OK PRIMARY ":1\r\n"};
		fake_start(&owner, 1);
		snprintf(slots, sizeof(slots),
			 OK PRIMARY MEMBER ":77\r\n*2\r\n*3\r\n:0\r\n:76\r\n*2\r\n$0\r\n\r\n:1\r\n*3\r\n:77\r\n:16383\r\n*3\r\n%s\r\n:%u\r\n$1\r\nx\r\n",
			 hosts[i], owner.port);
		asked.calls[0] = (struct fake_call){.answer = slots};
		fake_start(&asked, 1);
		settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){&asked}, 1);
		rc = redis_link_open(&s, "k", &link, &fault);
		assert_int_equal(rc, i < 3 ? 0 : -EIO);
		if (rc == 0)
			assert_int_equal(link->address.port, owner.port);
		else
			fault_check(&fault, "clusterdown", "no primary for slot 77");
		assert_int_equal(s.memory->node_count, i < 3 ? 2 : 1);
		redis_link_close(link);
		redis_settings_wipe(&s);
		fake_stop(&asked);
		fake_stop(&owner);
		assert_null(memmem(owner.heard, owner.heard_bytes, "SELECT", 6));
	}
}

// Whoever owns the slot gives it away: the other node is gone to once nothing is left behind, and if the Cluster lists it.
static void slots_that_are_given_away(void **state)
{
	static const struct {
		const char *ask, *left, *listed; // a colon at the end: the port of the other node follows
		const char *cause, *part;        // NULL: followed
	} cases[] = {
		{"-ASK 77 127.0.0.1:", ":0\r\n", "a 127.0.0.1:", NULL, NULL},
		{"-ASK 77 :", ":0\r\n", "a 127.0.0.1:", NULL, NULL},
		{"-ASK 77 127.0.0.1:", ":3\r\n", "a 127.0.0.1:", "migrating", "3 keys"},
		{"-ASK 77 127.0.0.1:", ":0\r\n", "a 127.0.0.2:", "migrating", "does not list"},
		{"-ASK 77 127.0.0.1:", ":0\r\n", "a 127.0.0.1:1", "migrating", "does not list"},
		{"-ASK 77 localhost:", ":0\r\n", "a 127.0.0.2:", NULL, NULL}, // CLUSTER SLOTS has that name
		{"-ASK 77 127.0.0.3:", ":0\r\n", "a 127.0.0.1:", "migrating", "does not list"},
		{"-ASK 77 127.0.0.1:", "-NOPERM x\r\n", "a 127.0.0.1:", "auth", "NOPERM"},
		{"-ASK 77 127.0.0.1:", "+0\r\n", "a 127.0.0.1:", "protocol", "CLUSTER"},
		{"-ASK", ":0\r\n", "a 127.0.0.1:", "migrating", "does not list"},
		{"-ASK 77", ":0\r\n", "a 127.0.0.1:", "migrating", "does not list"},
		{"-ASK a:1 77", ":0\r\n", "a 127.0.0.1:", "migrating", "does not list"},
		{"-ASK 77 127.0.0.1:70000", ":0\r\n", "a 127.0.0.1:", "migrating", "does not list"},
		{"-ASK 77 127.0.0.1:-1", ":0\r\n", "a 127.0.0.1:", "migrating", "does not list"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake owner = {0}, other = {0};
		struct remote_fault fault = {0};
		struct redis_settings s;
		struct redis_link *link;
		char port[8], ask[100], nodes[100], answer[500] = "";
		int rc;

		other.calls[0] = (struct fake_call){.answer = OK PRIMARY};
		owner.calls[0] = (struct fake_call){.answer = answer};
		fake_start(&other, 1);
		fake_start(&owner, 1);
		snprintf(port, sizeof(port), "%u", other.port);
		snprintf(ask, sizeof(ask), "%s%s\r\n", cases[i].ask, cases[i].ask[strlen(cases[i].ask) - 1] == ':' ? port : "");
		snprintf(nodes, sizeof(nodes), "%s%u@1 master\n", cases[i].listed, other.port);
		snprintf(answer, sizeof(answer), OK PRIMARY MEMBER ":77\r\n*2\r\n*3\r\n:0\r\n:76\r\n*2\r\n$9\r\nlocalhost\r\n:%u\r\n"
			 "*3\r\n:77\r\n:16383\r\n*2\r\n$-1\r\n:%u\r\n%s%s$%zu\r\n%s\r\n", other.port, owner.port, ask, cases[i].left,
			 strlen(nodes), nodes);
		settings_of(&s, CONFIG_REDIS_AUTO, (const struct fake *const[]){&owner}, 1);
		rc = redis_link_open(&s, "k", &link, &fault);
		assert_int_equal(rc, cases[i].cause == NULL ? 0 : -EIO);
		if (rc == 0)
			assert_true(link->address.port == other.port && redis_link_asking(link));
		else
			fault_check(&fault, cases[i].cause, cases[i].part);
		assert_int_equal(atomic_load(&other.accepted), rc == 0);
		redis_link_close(link);
		redis_settings_wipe(&s);
		fake_stop(&owner);
		fake_stop(&other);
	}
}

static void clusters_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		const char *answer, *cause, *part;
	} bad[] = {
		{":77\r\n*0\r\n", "clusterdown", "slot 77"},
		{":77\r\n*1\r\n:1\r\n", "protocol", "CLUSTER SLOTS"},
		{":77\r\n*1\r\n*3\r\n$1\r\na\r\n:2\r\n*0\r\n", "protocol", "CLUSTER SLOTS"},
		{":77\r\n*1\r\n*3\r\n:0\r\n:99\r\n*2\r\n$1\r\na\r\n:70000\r\n", "clusterdown", "slot 77"},
		{"+a\r\n+b\r\n", "protocol", "CLUSTER"},
		{"-ERR This instance has cluster support disabled\r\n-ERR\r\n", "error", "is in no Cluster"},
		{"-NOPERM no\r\n-NOPERM no\r\n", "auth", "NOPERM"},
	};
	char answer[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(answer, sizeof(answer), OK PRIMARY MEMBER "%s", bad[i].answer);
		refusal_check((struct fake_call){.answer = answer}, "", bad[i].cause, bad[i].part);
	}
}

static void sentinels_name_the_primary(void **state)
{
	struct fake sentinel = {0}, primary = {0};
	struct redis_settings s;
	struct remote_fault fault = {0};
	struct redis_link *link;
	char first[64], second[200], third[200];

	(void)state;
	primary.calls[0] = primary.calls[1] = (struct fake_call){.answer = OK OK PRIMARY};
	primary.calls[2] = (struct fake_call){.answer = OK OK "*1\r\n$5\r\nslave\r\n"};
	fake_start(&primary, 3);
	snprintf(first, sizeof(first), "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05u\r\n", primary.port);
	snprintf(second, sizeof(second), "-NOAUTH\r\n" OK "%s", first); // asks for the password
	snprintf(third, sizeof(third), "-ERR no password is set\r\n-ERR unknown\r\n" SENTINEL "$0\r\n\r\n%s", first); // auto: it refused AUTH
	sentinel.calls[0] = (struct fake_call){.answer = first};
	sentinel.calls[1] = (struct fake_call){.answer = second};
	sentinel.calls[2] = (struct fake_call){.answer = third};
	sentinel.calls[3] = (struct fake_call){.answer = "*-1\r\n"};
	sentinel.calls[4] = (struct fake_call){.answer = "-ERR unknown command 'SENTINEL'\r\n"};
	sentinel.calls[5] = (struct fake_call){.answer = "*2\r\n$3\r\na/b\r\n$1\r\n7\r\n"};
	fake_start(&sentinel, 6);
	settings_of(&s, CONFIG_REDIS_SENTINEL, (const struct fake *const[]){&sentinel}, 1);
	snprintf(s.password, sizeof(s.password), PASSWORD);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(redis_link_open(&s, "k", &link, &fault), 0);
		assert_int_equal(link->address.port, primary.port);
		redis_link_close(link);
	}
	s.servers = CONFIG_REDIS_AUTO;
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	fault_check(&fault, "readonly", "is a replica");
	s.servers = CONFIG_REDIS_SENTINEL;
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	fault_check(&fault, "sentinel", "knows no \"mymaster\"");
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	fault_check(&fault, "sentinel", "is no Sentinel");
	assert_int_equal(redis_link_open(&s, "k", &link, &fault), -EIO);
	fault_check(&fault, "protocol", "address");
	redis_settings_wipe(&s);
	fake_stop(&sentinel);
	fake_stop(&primary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replicas_are_passed_over),
		cmocka_unit_test(clusters_name_the_primary_of_a_slot),
		cmocka_unit_test(slots_that_are_given_away),
		cmocka_unit_test(clusters_that_make_no_sense_are_refused),
		cmocka_unit_test(sentinels_name_the_primary),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

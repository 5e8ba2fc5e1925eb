// MQTT 3.1, 3.1.1 (OASIS, 2014) and 5.0 (OASIS, 2019).
//
// CONNECT names the protocol and is proof; in the middle of a connection a subscription, or a message to a topic of several levels, whose
// lengths fit to the last byte is, and so are two of the packets that say little. CONNECT and CONNACK are one event, each subscription is
// one; of the messages the first of each topic is told, with its front, as far as topics are remembered. Passwords are passed over.
#include "proto/proto_lines.h"
#include "proto/proto_list.h"

enum { READ_MAX = 4096, TEXT_MAX = 256, TOPIC_MAX = 1024, TOPICS_ROOM = 2048, TOPICS_MAX = 16, TOPICS_READ_MAX = 256, REMEMBERED = 32, PROPERTIES_MAX = 32 };
enum { CONNECT = 1, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH };
enum { HAS_USER = 0x80, HAS_PASSWORD = 0x40, WILL_RETAIN = 0x20, HAS_WILL = 4, CLEAN = 2, RESERVED = 1, LEVEL_BRIDGE = 0x80, VERSION_5 = 5 };
enum { ASSIGNED_CLIENT = 0x12, AUTH_METHOD = 0x15, SERVER_REFERENCE = 0x1c, REASON = 0x1f, FAILED = 0x80, LENGTH_BYTES_MAX = 4, POINTS = 2 };

struct mqtt {
	struct record_text protocol, client_id, username, will_topic, auth_method, assigned, server, reason, topic, message, subscribed, unsubscribed;
	uint32_t message_length;
	uint16_t connect_flags, keepalive, publish_id, subscribe_id, unsubscribe_id, qos[TOPICS_MAX];
	uint8_t version, will_qos, connack, publish_qos, qos_count, disconnect;
	bool acknowledged, session, dup, retain, to_client;
};

struct memory {
	uint32_t topic[REMEMBERED]; // a digest of each, 0: none
	uint8_t oldest, version;
};

// These two are written where their packet was, also when they are zero.
static bool record_make_mqtt_qos(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct mqtt *mqtt = record_body_const(r);

	(void)context;
	out->number = mqtt->publish_qos;
	return mqtt->topic.len > 0;
}

static bool record_make_mqtt_code(const struct record *r, const struct record_context *context, struct field_value *out)
{
	const struct mqtt *mqtt = record_body_const(r);

	(void)context;
	out->number = mqtt->connack;
	return mqtt->acknowledged;
}

static const struct record_field fields[] = {
	{FIELD("protocol_string", TEXT, mqtt, protocol), IN("mqtt.connect", "protocol_string")},
	{FIELD("protocol_version", U8, mqtt, version), IN("mqtt.connect", "protocol_version"), .flags = FIELD_OMIT_ZERO},
	{FIELD("client_id", TEXT, mqtt, client_id), IN("mqtt.connect", "client_id")},
	{FIELD("username", TEXT, mqtt, username), IN("mqtt.connect", "username")},
	{FIELD("auth_method", TEXT, mqtt, auth_method), IN("mqtt.connect", "auth_method")},
	{FIELD("keepalive", U16, mqtt, keepalive), IN("mqtt.connect", "keepalive"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("flag_username", BIT16, mqtt, connect_flags), IN("mqtt.connect.flags", "username"), .bit = HAS_USER},
	{FIELD("flag_password", BIT16, mqtt, connect_flags), IN("mqtt.connect.flags", "password"), .bit = HAS_PASSWORD},
	{FIELD("flag_will_retain", BIT16, mqtt, connect_flags), IN("mqtt.connect.flags", "will_retain"), .bit = WILL_RETAIN},
	{FIELD("flag_will", BIT16, mqtt, connect_flags), IN("mqtt.connect.flags", "will"), .bit = HAS_WILL},
	{FIELD("flag_clean_session", BIT16, mqtt, connect_flags), IN("mqtt.connect.flags", "clean_session"), .bit = CLEAN},
	{FIELD("will_topic", TEXT, mqtt, will_topic), IN("mqtt.connect.will", "topic")},
	{FIELD("will_qos", U8, mqtt, will_qos), IN("mqtt.connect.will", "qos"), .flags = FIELD_OMIT_ZERO},
	{FIELD("session_present", BOOL, mqtt, session), IN("mqtt.connack", "session_present"), .flags = FIELD_OMIT_ZERO},
	{MADE("return_code", NUMBER, mqtt_code), IN("mqtt.connack", "return_code")},
	{FIELD("assigned_client_id", TEXT, mqtt, assigned), IN("mqtt.connack", "assigned_client_id")},
	{FIELD("server_reference", TEXT, mqtt, server), IN("mqtt.connack", "server_reference")},
	{FIELD("reason", TEXT, mqtt, reason), IN("mqtt.connack", "reason")},
	{FIELD("topic", TEXT, mqtt, topic), IN("mqtt.publish", "topic")},
	{MADE("qos", NUMBER, mqtt_qos), IN("mqtt.publish", "qos")},
	{FIELD("retain", BOOL, mqtt, retain), IN("mqtt.publish", "retain"), .flags = FIELD_OMIT_ZERO},
	{FIELD("dup", BOOL, mqtt, dup), IN("mqtt.publish", "dup"), .flags = FIELD_OMIT_ZERO},
	{FIELD("to_client", BOOL, mqtt, to_client), IN("mqtt.publish", "to_client"), .flags = FIELD_OMIT_ZERO},
	{FIELD("message_id", U16, mqtt, publish_id), IN("mqtt.publish", "message_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("message", TEXT, mqtt, message), IN("mqtt.publish", "message")},
	{FIELD("message_length", U32, mqtt, message_length), IN("mqtt.publish", "message_length"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{FIELD("subscribe_id", U16, mqtt, subscribe_id), IN("mqtt.subscribe", "message_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("subscribe_topics", TEXT_LIST, mqtt, subscribed), IN("mqtt.subscribe", "topics"), .flags = FIELD_LINES},
	{FIELD("subscribe_qos", LIST16, mqtt, qos), IN("mqtt.subscribe", "qos"), ROWS(mqtt, qos, qos_count, TOPICS_MAX)},
	{FIELD("unsubscribe_id", U16, mqtt, unsubscribe_id), IN("mqtt.unsubscribe", "message_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("unsubscribe_topics", TEXT_LIST, mqtt, unsubscribed), IN("mqtt.unsubscribe", "topics"), .flags = FIELD_LINES},
	{FIELD("disconnect_reason_code", U8, mqtt, disconnect), IN("mqtt.disconnect", "reason_code"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_kind kind = {.event_type = "mqtt", BODY(mqtt), .client_first = true, .fields = fields};

// One packet: `body` is as much of it as is read.
struct packet {
	uint8_t type, flags;
	uint32_t length;
	struct span body;
	bool whole;
};

// ---- what packets are made of ----

// Seven bits a byte, the low ones first. False: more bytes than there may be.
static bool number_read(struct span *in, uint32_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
		uint8_t byte = span_u8(in);

		*value |= (uint32_t)(byte & 0x7f) << 7 * i;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

static struct span string_read(struct span *in)
{
	return span_take(in, span_be16(in));
}

static void property_pass(struct span *in, uint32_t id)
{
	uint32_t value;

	switch (id) {
	case 0x13: case 0x21: case 0x22: case 0x23:
		span_be16(in);
		break;
	case 0x02: case 0x11: case 0x18: case 0x27:
		span_be32(in);
		break;
	case 0x0b:
		number_read(in, &value);
		break;
	case 0x26:
		string_read(in);
		string_read(in);
		break;
	case 0x03: case 0x08: case 0x09: case 0x16: case 0x1a:
		string_read(in);
		break;
	default:
		span_u8(in);
	}
}

static void properties_read(struct l7 *l7, struct span *in)
{
	struct mqtt *mqtt = L7_BODY(l7, struct mqtt);
	struct span all;
	uint32_t bytes, id;

	if (!number_read(in, &bytes))
		return;
	all = span_take(in, bytes);
	for (unsigned i = 0; i < PROPERTIES_MAX && all.left > 0 && number_read(&all, &id); i++) {
		if (id == AUTH_METHOD)
			mqtt->auth_method = l7_text(l7, string_read(&all), TEXT_MAX);
		else if (id == ASSIGNED_CLIENT)
			mqtt->assigned = l7_text(l7, string_read(&all), TEXT_MAX);
		else if (id == SERVER_REFERENCE)
			mqtt->server = l7_text(l7, string_read(&all), TEXT_MAX);
		else if (id == REASON)
			mqtt->reason = l7_text(l7, string_read(&all), TEXT_MAX);
		else
			property_pass(&all, id);
	}
}

static bool name_is(struct span name, uint8_t level)
{
	level &= (uint8_t)~LEVEL_BRIDGE;
	return (name.left == 4 && span_starts(name, "MQTT") && (level == 4 || level == VERSION_5)) ||
	       (name.left == 6 && span_starts(name, "MQIsdp") && level == 3);
}

// ---- packets that are told ----

static enum proto_verdict connect_read(struct packet *p, struct memory *m, struct l7 *l7)
{
	struct mqtt *mqtt = L7_BODY(l7, struct mqtt);
	struct span in = p->body, name = string_read(&in), client, topic;
	uint8_t level = span_u8(&in), flags = span_u8(&in);
	uint16_t keepalive = span_be16(&in);

	if (!span_ok(&in) || !name_is(name, level) || (flags & RESERVED) != 0)
		return PROTO_NO;
	l7_clear(l7);
	m->version = mqtt->version = level & (uint8_t)~LEVEL_BRIDGE;
	mqtt->protocol = l7_text(l7, name, TEXT_MAX);
	mqtt->connect_flags = flags;
	mqtt->keepalive = keepalive;
	if (m->version == VERSION_5)
		properties_read(l7, &in);
	client = string_read(&in);
	mqtt->client_id = l7_text(l7, client, TOPIC_MAX);
	if ((flags & HAS_WILL) != 0) {
		if (m->version == VERSION_5)
			properties_read(l7, &in);
		topic = string_read(&in);
		mqtt->will_topic = l7_text(l7, topic, TOPIC_MAX);
		mqtt->will_qos = flags >> 3 & 3;
		string_read(&in);
	}
	if ((flags & HAS_USER) != 0)
		mqtt->username = l7_text(l7, string_read(&in), TEXT_MAX);
	l7->pending = true;
	return PROTO_MORE;
}

static enum proto_verdict connack_read(struct packet *p, struct memory *m, struct l7 *l7)
{
	struct mqtt *mqtt = L7_BODY(l7, struct mqtt);
	struct span in = p->body;

	mqtt->session = (span_u8(&in) & 1) != 0;
	mqtt->connack = span_u8(&in);
	mqtt->acknowledged = true;
	if (m->version == VERSION_5 && in.left > 0)
		properties_read(l7, &in);
	return PROTO_YES;
}

// Whether a message to this topic has been told; it is remembered.
static bool topic_known(struct memory *m, struct span topic)
{
	uint32_t digest = 2166136261u;

	for (uint32_t i = 0; i < topic.left; i++)
		digest = (digest ^ topic.at[i]) * 16777619u;
	digest |= 1;
	for (unsigned i = 0; i < REMEMBERED; i++)
		if (m->topic[i] == digest)
			return true;
	m->topic[m->oldest] = digest;
	m->oldest = (uint8_t)((m->oldest + 1) % REMEMBERED);
	return false;
}

static enum proto_verdict publish_read(struct packet *p, const struct proto_hint *hint, struct memory *m, struct l7 *l7)
{
	struct mqtt *mqtt = L7_BODY(l7, struct mqtt);
	struct span in = p->body, topic = string_read(&in);
	uint8_t qos = p->flags >> 1 & 3;

	if (!span_ok(&in))
		return PROTO_NO;
	if (topic_known(m, topic))
		return PROTO_MORE;
	mqtt->topic = l7_text(l7, topic, TOPIC_MAX);
	mqtt->publish_qos = qos;
	mqtt->dup = (p->flags & 8) != 0;
	mqtt->retain = (p->flags & 1) != 0;
	mqtt->to_client = !hint->to_server;
	if (qos > 0)
		mqtt->publish_id = span_be16(&in);
	if (m->version == VERSION_5)
		properties_read(l7, &in);
	mqtt->message_length = p->length - (p->body.left - in.left);
	mqtt->message = l7_text(l7, in, TEXT_MAX);
	return PROTO_YES;
}

static enum proto_verdict topics_read(struct packet *p, struct memory *m, struct l7 *l7)
{
	struct mqtt *mqtt = L7_BODY(l7, struct mqtt);
	bool subscribe = p->type == SUBSCRIBE;
	struct record_text *list = subscribe ? &mqtt->subscribed : &mqtt->unsubscribed;
	struct span in = p->body;
	uint16_t id = span_be16(&in);

	*(subscribe ? &mqtt->subscribe_id : &mqtt->unsubscribe_id) = id;
	if (m->version == VERSION_5)
		properties_read(l7, &in);
	*list = text_reserve(l7, TOPICS_ROOM);
	for (unsigned i = 0; i < TOPICS_READ_MAX && in.left > 0; i++) {
		struct span topic = string_read(&in);
		uint8_t qos = subscribe ? span_u8(&in) & 3 : 0;

		if (!span_ok(&in))
			break;
		text_list_add(l7, list, TOPICS_ROOM, topic);
		if (subscribe && mqtt->qos_count < TOPICS_MAX)
			mqtt->qos[mqtt->qos_count++] = qos;
	}
	text_trim(l7, *list);
	return PROTO_YES;
}

// ---- proof, of what is not claimed ----

static bool topic_is(struct span topic)
{
	for (uint32_t i = 0; i < topic.left; i++)
		if (topic.at[i] < 0x20 || topic.at[i] == 0x7f)
			return false;
	return topic.left > 0;
}

// Topics, of a subscription each with its options, up to the last byte.
static bool topics_are(const struct packet *p)
{
	struct span in = p->body;
	unsigned count = 0;

	if (span_be16(&in) == 0)
		return false;
	if (in.left > 0 && in.at[0] == 0 && (in.left < 2 || in.at[1] == 0)) // version 5 has properties first: none
		span_u8(&in);
	for (; in.left > 0 && count < TOPICS_READ_MAX; count++)
		if (!topic_is(string_read(&in)) || (p->type == SUBSCRIBE && (span_u8(&in) & 0xc3) > 2))
			return false;
	return span_ok(&in) && count > 0 && in.left == 0;
}

static bool message_is(const struct packet *p)
{
	struct span in = p->body, topic = string_read(&in);

	return span_ok(&in) && topic_is(topic) && memchr(topic.at, '/', topic.left) != NULL && memchr(topic.at, '#', topic.left) == NULL &&
	       memchr(topic.at, '+', topic.left) == NULL && ((p->flags & 6) == 0 || span_be16(&in) != 0);
}

// 2: proof; 1: half of one; 0: neither. rest: bytes behind the packet.
static unsigned points(const struct packet *p, bool to_server, uint32_t rest)
{
	struct span in = p->body;

	switch (p->type) {
	case CONNECT:
		return to_server ? POINTS : 0;
	case CONNACK:
		return !to_server && p->length >= 2 && span_u8(&in) <= 1 && (in.at[0] <= 5 || in.at[0] >= FAILED) && rest == 0;
	case PUBLISH:
		return p->whole && rest == 0 && message_is(p) ? POINTS : 0;
	case SUBSCRIBE:
	case UNSUBSCRIBE:
		return to_server && p->whole && topics_are(p) ? POINTS : 0;
	case PINGREQ:
		return to_server && p->length == 0 && rest == 0;
	case PINGRESP:
		return !to_server && p->length == 0 && rest == 0;
	default:
		return 0;
	}
}

// ---- packets ----

static bool flags_are(const struct packet *p)
{
	if (p->type == PUBLISH)
		return (p->flags & 6) != 6;
	if (p->type == PUBREL || p->type == SUBSCRIBE || p->type == UNSUBSCRIBE)
		return p->flags == 2;
	return p->flags == 0 && p->type != 0;
}

static enum proto_verdict packet_read(struct packet *p, const struct proto_hint *hint, struct memory *m, struct l7 *l7)
{
	switch (p->type) {
	case CONNECT:
		return connect_read(p, m, l7);
	case CONNACK:
		return connack_read(p, m, l7);
	case PUBLISH:
		return publish_read(p, hint, m, l7);
	case SUBSCRIBE:
	case UNSUBSCRIBE:
		return topics_read(p, m, l7);
	case DISCONNECT:
		L7_BODY(l7, struct mqtt)->disconnect = span_u8(&p->body);
		l7->pending = L7_BODY(l7, struct mqtt)->disconnect != 0;
		return PROTO_DONE;
	default:
		return PROTO_MORE;
	}
}

static bool begins_well(struct span in, bool to_server)
{
	struct packet p = {.type = in.at[0] >> 4, .flags = in.at[0] & 15};
	struct span at = in;

	span_u8(&at);
	if (!flags_are(&p) || p.type == DISCONNECT || p.type == AUTH || (p.type == CONNECT && !to_server))
		return false;
	if (!number_read(&at, &p.length))
		return false;
	if (!span_ok(&at))
		return true;
	if (p.type != CONNECT)
		return p.type != SUBSCRIBE || p.length >= 6;
	span_be16(&at);
	return p.length >= 12 && (at.left < 4 || span_starts(at, "MQTT") || span_starts(at, "MQIs"));
}

static enum proto_verdict unclaimed(struct packet *p, const struct proto_hint *hint, struct l7 *l7, uint32_t rest)
{
	unsigned worth = points(p, hint->to_server, rest);

	if (worth == 0)
		return PROTO_NO;
	*hint->note += worth;
	if (*hint->note >= POINTS)
		return PROTO_YES;
	l7->used = 0;
	l7->skip = 0;
	return PROTO_MORE;
}

static enum proto_verdict mqtt_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	struct span from = in;
	struct packet p = {0};
	uint32_t take;

	if (!hint->claimed && !begins_well(in, hint->to_server))
		return PROTO_NO;
	p.type = in.at[0] >> 4;
	p.flags = in.at[0] & 15;
	span_u8(&from);
	if (!flags_are(&p) || (!number_read(&from, &p.length) && span_ok(&from)))
		return PROTO_NO;
	take = p.length < READ_MAX ? p.length : READ_MAX;
	if (!span_ok(&from) || from.left < take)
		return PROTO_MORE;
	p.body = span_take(&from, take);
	p.whole = take == p.length;
	l7->used = in.left - from.left;
	l7->skip = p.length - take;
	if (!hint->claimed && unclaimed(&p, hint, l7, from.left) != PROTO_YES)
		return l7->used == 0 ? PROTO_MORE : PROTO_NO;
	if (l7->pending && p.type != CONNACK) { // the answer to CONNECT was not waited for, or not seen
		l7->used = 0;
		l7->skip = 0;
		return PROTO_YES;
	}
	return packet_read(&p, hint, m, l7);
}

const struct proto_ops proto_mqtt = {
	.name = "mqtt",
	.title = "MQTT",
	.spec = "MQTT 3.1.1, 5.0",
	.l4 = PROTO_TCP,
	.ports = {1883},
	.max_payloads = 4,
	.first = {{0x10, 0x10}, {0x20, 0x20}, {0x30, 0x3d}, {0x82, 0x82}, {0xa2, 0xa2}, {0xc0, 0xc0}, {0xd0, 0xd0}},
	.firsts = 7,
	.dissect = mqtt_dissect,
	.kind = &kind,
};

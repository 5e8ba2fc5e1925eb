// MQTT: OASIS standards 3.1.1 and 5.0, and IBM's 3.1. A packet has its type and flags in one byte and its length in one to four; CONNECT
// names the protocol, which is the proof. From the middle a PUBLISH or SUBSCRIBE is known by a topic and lengths that all fit. One event
// for each packet that says something. Passwords are never read.
#include "proto/proto_list.h"

#include <string.h>

#include "base/text.h"

struct mqtt {
	uint8_t type; // of the packet
	uint8_t qos, code, version;
	uint16_t connect_flags, flags, id, keep_alive_s;
	bool session_present;
	struct record_text protocol, client_id, username, will_topic, topic, message, subscribed, unsubscribed;
};

struct memory {
	uint8_t version;
};

enum { CONNECT = 1, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH };
enum { FLAG_RETAIN = 1, FLAG_DUP = 8, QOS_MASK = 3, VERSION_3 = 3, VERSION_5 = 5, LENGTH_BYTES_MAX = 4, READ_MAX = 2048 };
enum { WITH_CLEAN = 2, WITH_WILL = 4, WITH_WILL_RETAIN = 32, WITH_PASSWORD = 64, WITH_USER = 128 };
enum { TEXT_MAX = 256, TOPIC_MAX = 512, MESSAGE_MAX = 256, TOPICS_MAX = 16, TOPICS_ROOM = 1024 };

static bool number_if(const struct record *r, uint8_t type, uint64_t value, struct field_value *out)
{
	out->number = value;
	return ((const struct mqtt *)record_body_const(r))->type == type;
}

// These are written where their packet has them, also when they are zero.
static bool record_make_mqtt_qos(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return number_if(r, PUBLISH, ((const struct mqtt *)record_body_const(r))->qos, out);
}

static bool record_make_mqtt_code(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return number_if(r, CONNACK, ((const struct mqtt *)record_body_const(r))->code, out);
}

static bool record_make_mqtt_reason(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return number_if(r, DISCONNECT, ((const struct mqtt *)record_body_const(r))->code, out);
}

static bool record_make_mqtt_suback(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return number_if(r, SUBACK, ((const struct mqtt *)record_body_const(r))->code, out);
}

#define OF(object, key, kind_, member) FIELD(object "_" key, kind_, mqtt, member), IN("mqtt." object, key), .flags = FIELD_OMIT_ZERO
#define CONNECT_FLAG(key, bit_) {FIELD("connect_flag_" key, BIT16, mqtt, connect_flags), IN("mqtt.connect.flags", key), .bit = bit_}

static const struct record_field fields[] = {
	{OF("connect", "protocol_string", TEXT, protocol)},
	{OF("connect", "protocol_version", U8, version)},
	{OF("connect", "client_id", TEXT, client_id)},
	{OF("connect", "username", TEXT, username)},
	{OF("connect", "keep_alive", U16, keep_alive_s), .unit = "s"},
	CONNECT_FLAG("username", WITH_USER),
	CONNECT_FLAG("password", WITH_PASSWORD),
	CONNECT_FLAG("will_retain", WITH_WILL_RETAIN),
	CONNECT_FLAG("will", WITH_WILL),
	CONNECT_FLAG("clean_session", WITH_CLEAN),
	{FIELD("will_topic", TEXT, mqtt, will_topic), IN("mqtt.connect.will", "topic")},
	{MADE("return_code", NUMBER, mqtt_code), IN("mqtt.connack", "return_code")},
	{OF("connack", "session_present", BOOL, session_present)},
	{MADE("qos", NUMBER, mqtt_qos), IN("mqtt.publish", "qos")},
	{FIELD("retain", BIT16, mqtt, flags), IN("mqtt.publish", "retain"), .bit = FLAG_RETAIN},
	{FIELD("dup", BIT16, mqtt, flags), IN("mqtt.publish", "dup"), .bit = FLAG_DUP},
	{OF("publish", "topic", TEXT, topic)},
	{OF("publish", "message", TEXT, message)},
	{OF("subscribe", "topics", TEXT_LIST, subscribed)},
	{MADE("reason_code", NUMBER, mqtt_suback), IN("mqtt.suback", "reason_code")},
	{OF("unsubscribe", "topics", TEXT_LIST, unsubscribed)},
	{MADE("disconnect_code", NUMBER, mqtt_reason), IN("mqtt.disconnect", "reason_code")},
	{FIELD("message_id", U16, mqtt, id), IN("mqtt", "message_id"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_kind kind = {.event_type = "mqtt", BODY(mqtt), .fields = fields};

// ---- pieces ----

static struct span string_take(struct span *in)
{
	return span_take(in, span_be16(in));
}

// The number of bytes of a variable length; more: it is not all there.
static bool length_take(struct span *in, uint32_t *length, bool *more)
{
	*length = 0;
	*more = false;
	for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
		uint8_t byte = span_u8(in);

		if (!span_ok(in)) {
			*more = true;
			return false;
		}
		*length |= (uint32_t)(byte & 127) << 7 * i;
		if ((byte & 128) == 0)
			return true;
	}
	return false;
}

static void properties_pass(struct span *in, uint8_t version)
{
	uint32_t length;
	bool more;

	if (version < VERSION_5)
		return;
	if (length_take(in, &length, &more))
		span_bytes(in, length);
	else
		*in = (struct span){.bad = true};
}

// Text without control characters, as the standards want it.
static bool topic_is(struct span topic)
{
	for (uint32_t i = 0; i < topic.left; i++)
		if (topic.at[i] < ' ' || topic.at[i] == 0x7f)
			return false;
	return !topic.bad && topic.left > 0;
}

// ---- packets ----

static bool connect_read(struct l7 *l7, struct mqtt *mqtt, struct memory *memory, struct span in)
{
	struct span protocol = string_take(&in);
	uint8_t flags;

	mqtt->version = span_u8(&in);
	flags = span_u8(&in);
	mqtt->keep_alive_s = span_be16(&in);
	if (!span_ok(&in) || (flags & 1) != 0 ||
	    !((protocol.left == 4 && span_starts(protocol, "MQTT") && (mqtt->version == 4 || mqtt->version == VERSION_5)) ||
	      (protocol.left == 6 && span_starts(protocol, "MQIsdp") && mqtt->version == VERSION_3)))
		return false;
	memory->version = mqtt->version;
	mqtt->connect_flags = flags;
	mqtt->protocol = l7_text(l7, protocol, TEXT_MAX);
	properties_pass(&in, mqtt->version);
	mqtt->client_id = l7_text(l7, string_take(&in), TEXT_MAX);
	if ((flags & WITH_WILL) != 0) {
		properties_pass(&in, mqtt->version);
		mqtt->will_topic = l7_text(l7, string_take(&in), TOPIC_MAX);
		string_take(&in);
	}
	if ((flags & WITH_USER) != 0)
		mqtt->username = l7_text(l7, string_take(&in), TEXT_MAX);
	return true;
}

static bool publish_read(struct l7 *l7, struct mqtt *mqtt, uint8_t version, struct span in)
{
	struct span topic = string_take(&in);

	if (!topic_is(topic) || mqtt->qos == QOS_MASK)
		return false;
	if (mqtt->qos > 0)
		mqtt->id = span_be16(&in);
	properties_pass(&in, version);
	mqtt->topic = l7_text(l7, topic, TOPIC_MAX);
	mqtt->message = l7_text(l7, in, MESSAGE_MAX);
	return true;
}

// Topics with a byte of options behind each, or without.
static bool topics_read(struct l7 *l7, struct mqtt *mqtt, uint8_t version, struct span in, bool options, struct record_text *out)
{
	char room[TOPICS_ROOM];
	struct text_builder topics = text_builder(room, sizeof(room));

	mqtt->id = span_be16(&in);
	properties_pass(&in, version);
	for (unsigned i = 0; i < TOPICS_MAX && in.left > 0; i++) {
		struct span topic = string_take(&in);
		uint8_t option = options ? span_u8(&in) : 0;

		if (!topic_is(topic) || !span_ok(&in) || (option & QOS_MASK) == QOS_MASK)
			return false;
		if (topics.used > 0)
			text_put(&topics, ",");
		text_put_bytes(&topics, topic.at, topic.left);
	}
	*out = l7_text_bytes(l7, room, (uint32_t)topics.used, TOPICS_ROOM);
	return mqtt->id != 0 && out->len > 0;
}

static bool suback_read(struct mqtt *mqtt, uint8_t version, struct span in)
{
	mqtt->id = span_be16(&in);
	properties_pass(&in, version);
	mqtt->code = span_u8(&in);
	return span_ok(&in);
}

static bool flags_fit(uint8_t type, uint8_t flags)
{
	if (type == PUBLISH)
		return (flags >> 1 & QOS_MASK) != QOS_MASK;
	return flags == (type == PUBREL || type == SUBSCRIBE || type == UNSUBSCRIBE ? 2 : 0);
}

// NO: not sound. YES: worth an event. MORE: passed over.
static enum proto_verdict packet_read(struct l7 *l7, struct mqtt *mqtt, struct memory *memory, struct span in)
{
	bool sound = true;

	switch (mqtt->type) {
	case CONNECT:
		sound = connect_read(l7, mqtt, memory, in);
		break;
	case CONNACK:
		mqtt->session_present = (span_u8(&in) & 1) != 0;
		mqtt->code = span_u8(&in);
		sound = span_ok(&in);
		break;
	case PUBLISH:
		sound = publish_read(l7, mqtt, memory->version, in);
		break;
	case SUBSCRIBE:
		sound = topics_read(l7, mqtt, memory->version, in, true, &mqtt->subscribed);
		break;
	case UNSUBSCRIBE:
		sound = topics_read(l7, mqtt, memory->version, in, false, &mqtt->unsubscribed);
		break;
	case SUBACK:
		sound = suback_read(mqtt, memory->version, in);
		break;
	case DISCONNECT:
		mqtt->code = in.left > 0 ? span_u8(&in) : 0;
		break;
	default:
		return PROTO_MORE;
	}
	return sound ? PROTO_YES : PROTO_NO;
}

static enum proto_verdict mqtt_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct mqtt *mqtt = L7_BODY(l7, struct mqtt);
	struct memory *memory = L7_MEMORY(l7, struct memory);
	struct span rest = in;
	uint8_t first = span_u8(&rest);
	uint32_t length, wanted, head;
	enum proto_verdict verdict;
	bool more;

	if (!length_take(&rest, &length, &more))
		return more && flags_fit(first >> 4, first & 15) ? PROTO_MORE : PROTO_NO;
	head = in.left - rest.left;
	mqtt->type = first >> 4;
	mqtt->flags = first & 15;
	mqtt->qos = first >> 1 & QOS_MASK;
	if (mqtt->type < CONNECT || mqtt->type > AUTH || !flags_fit(mqtt->type, first & 15))
		return PROTO_NO;
	if (!hint->claimed && mqtt->type != CONNECT && mqtt->type != PUBLISH && mqtt->type != SUBSCRIBE)
		return PROTO_NO;
	wanted = length < READ_MAX ? length : READ_MAX;
	if (rest.left < wanted)
		return PROTO_MORE;
	if (!hint->claimed && mqtt->type != CONNECT && rest.left != length)
		return PROTO_NO; // from the middle it ends with the segment
	if (rest.left > length)
		rest.left = length;
	verdict = packet_read(l7, mqtt, memory, rest);
	l7->used = head + rest.left;
	l7->skip = length - rest.left;
	if (verdict == PROTO_MORE)
		l7_clear(l7);
	return verdict;
}

const struct proto_ops proto_mqtt = {
	.name = "mqtt",
	.title = "MQTT",
	.spec = "MQTT 3.1, OASIS MQTT 3.1.1 and 5.0",
	.l4 = PROTO_TCP,
	.ports = {1883},
	.max_payloads = 3,
	.first = {{0x10, 0x10}, {0x20, 0x20}, {0x30, 0x3f}, {0x40, 0x40}, {0x50, 0x50}, {0x62, 0x62}, {0x70, 0x70}, {0x82, 0xe0}},
	.firsts = 8,
	.dissect = mqtt_dissect,
	.kind = &kind,
};

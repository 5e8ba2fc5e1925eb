// MongoDB: the wire protocol of the MongoDB manual. A message has a head of four numbers (its length, its id, the id that it answers, its
// kind) and holds BSON; of a command the first key is its name, "$db" its database. One event for a command with its answer; commands
// that come before the answer to another are events of their own.
#include "proto/proto_list.h"

#include <string.h>

struct mongodb {
	struct record_text command, collection, database, application, driver, error;
	uint32_t request_id;
	uint16_t code;
	bool ok, answered;
};

enum { HEAD_BYTES = 16, MESSAGE_MAX = 48 << 20, TEXT_MAX = 128, READ_MAX = 4096, ELEMENTS_MAX = 64, NAME_MAX = 64 };
enum { OP_REPLY = 1, OP_QUERY = 2004, OP_COMPRESSED = 2012, OP_MSG = 2013 };
enum { FLAG_CHECKSUM = 1, FLAG_MORE = 2, FLAG_EXHAUST = 0x10000 };
enum bson { BSON_DOUBLE = 1, BSON_STRING, BSON_DOCUMENT, BSON_ARRAY, BSON_BINARY, BSON_ID = 7, BSON_BOOL, BSON_DATE, BSON_NULL, BSON_REGEX,
	    BSON_INT32 = 16, BSON_TIMESTAMP, BSON_INT64, BSON_DECIMAL };

static const struct record_field fields[] = {
	{FIELD("command", TEXT, mongodb, command), IN("mongodb", "command")},
	{FIELD("collection", TEXT, mongodb, collection), IN("mongodb", "collection")},
	{FIELD("database", TEXT, mongodb, database), IN("mongodb", "database")},
	{FIELD("application", TEXT, mongodb, application), IN("mongodb", "application")},
	{FIELD("driver", TEXT, mongodb, driver), IN("mongodb", "driver")},
	{FIELD("request_id", U32, mongodb, request_id), IN("mongodb", "request_id")},
	{FIELD("answered", BOOL, mongodb, answered), IN("mongodb", "answered")},
	{FIELD("ok", BOOL, mongodb, ok), IN("mongodb", "ok"), .flags = FIELD_OMIT_ZERO},
	{FIELD("error", TEXT, mongodb, error), IN("mongodb", "error")},
	{FIELD("code", U16, mongodb, code), IN("mongodb", "code"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_kind kind = {.event_type = "mongodb", BODY(mongodb), .client_first = true, .fields = fields};

// ---- BSON, bsonspec.org ----

struct element {
	uint8_t type;
	struct span name, value; // of a string: its bytes; of a document: its elements
};

static uint32_t fixed_bytes(uint8_t type)
{
	switch (type) {
	case BSON_DOUBLE:
	case BSON_DATE:
	case BSON_TIMESTAMP:
	case BSON_INT64:
		return 8;
	case BSON_INT32:
		return 4;
	case BSON_BOOL:
		return 1;
	case BSON_ID:
		return 12;
	case BSON_DECIMAL:
		return 16;
	default:
		return 0;
	}
}

// What is left of a value that is not all there is what is there.
static struct span take_some(struct span *in, uint32_t bytes)
{
	return span_take(in, bytes < in->left ? bytes : in->left);
}

static bool element_read(struct span *in, struct element *e)
{
	uint32_t length;

	e->type = span_u8(in);
	if (e->type == 0 || !span_until(in, '\0', &e->name) || e->name.left > NAME_MAX)
		return false;
	switch (e->type) {
	case BSON_STRING:
		length = span_le32(in);
		e->value = length > 0 ? take_some(in, length - 1) : span_take(in, 0);
		span_u8(in);
		return length > 0 && length < MESSAGE_MAX;
	case BSON_DOCUMENT:
	case BSON_ARRAY:
		length = span_le32(in);
		if (length < 5 || length > MESSAGE_MAX)
			return false;
		e->value = take_some(in, length - 4);
		return true;
	case BSON_BINARY:
		length = span_le32(in);
		span_u8(in);
		e->value = take_some(in, length);
		return length < MESSAGE_MAX;
	case BSON_NULL:
		return true;
	default:
		e->value = span_take(in, fixed_bytes(e->type));
		return fixed_bytes(e->type) > 0 && span_ok(in);
	}
}

static bool name_is(const struct element *e, const char *name)
{
	return e->name.left == strlen(name) && memcmp(e->name.at, name, e->name.left) == 0;
}

// ---- commands ----

static bool command_name_is(struct span name)
{
	for (uint32_t i = 0; i < name.left; i++)
		if (!((name.at[i] >= 'a' && name.at[i] <= 'z') || (name.at[i] >= 'A' && name.at[i] <= 'Z') || (i > 0 && name.at[i] == '_')))
			return false;
	return name.left >= 3;
}

// "client" of a hello: who connects.
static void client_read(struct l7 *l7, struct mongodb *mongodb, struct span in)
{
	struct element e, inner;

	for (unsigned i = 0; i < ELEMENTS_MAX && in.left > 0 && element_read(&in, &e); i++) {
		struct span part = e.value;

		if (e.type != BSON_DOCUMENT || !(name_is(&e, "application") || name_is(&e, "driver")))
			continue;
		if (element_read(&part, &inner) && inner.type == BSON_STRING && name_is(&inner, "name"))
			*(name_is(&e, "driver") ? &mongodb->driver : &mongodb->application) = l7_text(l7, inner.value, TEXT_MAX);
	}
}

static bool command_read(struct l7 *l7, struct mongodb *mongodb, struct span in)
{
	struct element e;

	for (unsigned i = 0; i < ELEMENTS_MAX && in.left > 0; i++) {
		if (!element_read(&in, &e))
			return i > 0;
		if (i == 0) {
			if (!command_name_is(e.name))
				return false;
			mongodb->command = l7_text(l7, e.name, TEXT_MAX);
			if (e.type == BSON_STRING)
				mongodb->collection = l7_text(l7, e.value, TEXT_MAX);
		} else if (e.type == BSON_STRING && name_is(&e, "$db")) {
			mongodb->database = l7_text(l7, e.value, TEXT_MAX);
		} else if (e.type == BSON_DOCUMENT && name_is(&e, "client")) {
			client_read(l7, mongodb, e.value);
		}
	}
	return true;
}

static bool answer_read(struct l7 *l7, struct mongodb *mongodb, struct span in)
{
	struct element e;
	bool known = false;

	for (unsigned i = 0; i < ELEMENTS_MAX && in.left > 0 && element_read(&in, &e); i++) {
		known = true;
		if (name_is(&e, "ok"))
			mongodb->ok = e.type == BSON_DOUBLE ? e.value.at[7] != 0 : e.value.left > 0 && e.value.at[0] != 0;
		else if (name_is(&e, "errmsg") && e.type == BSON_STRING)
			mongodb->error = l7_text(l7, e.value, TEXT_MAX);
		else if (name_is(&e, "code") && e.type == BSON_INT32)
			mongodb->code = span_le16(&e.value);
	}
	return known;
}

// ---- messages ----

struct message {
	uint32_t length, id, answers, opcode;
	struct span document; // its elements; poisoned if there is none to read
};

static struct span document_take(struct span *in)
{
	uint32_t length = span_le32(in);

	if (length < 5 || length > MESSAGE_MAX)
		return (struct span){.bad = true};
	return take_some(in, length - 4);
}

// The first document of a message; false if what is before it is not sound.
static bool document_find(struct message *m, struct span in)
{
	struct span collection;
	uint32_t flags;

	switch (m->opcode) {
	case OP_MSG:
		flags = span_le32(&in);
		if ((flags & ~(uint32_t)(FLAG_CHECKSUM | FLAG_MORE | FLAG_EXHAUST)) != 0)
			return false;
		while (span_u8(&in) == 1) // a sequence of documents may come first
			if (span_take(&in, span_le32(&in) - 4).bad)
				return true;
		m->document = document_take(&in);
		return true;
	case OP_QUERY:
		span_le32(&in);
		if (!span_until(&in, '\0', &collection) || collection.left == 0)
			return false;
		span_le64(&in);
		m->document = document_take(&in);
		return true;
	case OP_REPLY:
		span_le32(&in);
		span_le64(&in);
		span_le64(&in);
		m->document = document_take(&in);
		return true;
	default:
		return true;
	}
}

static bool head_is(const struct message *m, bool to_server)
{
	if (m->length < HEAD_BYTES + 4 || m->length > MESSAGE_MAX)
		return false;
	if (m->opcode == OP_MSG || m->opcode == OP_COMPRESSED)
		return to_server ? m->answers == 0 : m->answers != 0;
	return to_server ? m->opcode == OP_QUERY && m->answers == 0 : m->opcode == OP_REPLY;
}

static enum proto_verdict request(struct l7 *l7, struct mongodb *mongodb, const struct message *m)
{
	if (mongodb->command.len > 0) { // the one before was not answered: it goes first, then this again
		l7->used = 0;
		l7->skip = 0;
		return PROTO_YES;
	}
	if (m->document.bad || !command_read(l7, mongodb, m->document))
		return m->opcode == OP_COMPRESSED ? PROTO_MORE : PROTO_NO;
	mongodb->request_id = m->id;
	l7->pending = true;
	return PROTO_MORE;
}

static enum proto_verdict answer(struct l7 *l7, struct mongodb *mongodb, const struct message *m)
{
	bool mine = mongodb->command.len > 0 && mongodb->request_id == m->answers;

	if (mine)
		mongodb->answered = true;
	if (mine && !m->document.bad)
		answer_read(l7, mongodb, m->document);
	return mine ? PROTO_YES : PROTO_MORE;
}

static enum proto_verdict mongodb_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct mongodb *mongodb = L7_BODY(l7, struct mongodb);
	struct span rest = in;
	struct message m = {.length = span_le32(&rest), .document = {.bad = true}};
	uint32_t wanted;

	m.id = span_le32(&rest);
	m.answers = span_le32(&rest);
	m.opcode = span_le32(&rest);
	if (!span_ok(&rest))
		return in.left >= 4 && (m.length < HEAD_BYTES || m.length > MESSAGE_MAX) ? PROTO_NO : PROTO_MORE;
	if (!head_is(&m, hint->to_server))
		return PROTO_NO;
	wanted = m.length < READ_MAX ? m.length : READ_MAX; // what is read of a long one is in its beginning
	if (in.left < wanted)
		return PROTO_MORE;
	rest.left = wanted - HEAD_BYTES;
	if (!document_find(&m, rest))
		return PROTO_NO;
	l7->used = in.left < m.length ? in.left : m.length;
	l7->skip = m.length - l7->used;
	return hint->to_server ? request(l7, mongodb, &m) : answer(l7, mongodb, &m);
}

const struct proto_ops proto_mongodb = {
	.name = "mongodb",
	.title = "MongoDB",
	.spec = "MongoDB Wire Protocol, bsonspec.org",
	.l4 = PROTO_TCP,
	.ports = {27017, 27018, 27019},
	.max_payloads = 8,
	.dissect = mongodb_dissect,
	.kind = &kind,
};

// What the protocols that speak in lines share (FTP, SMTP, POP3, IMAP, IRC): lines, their words, replies with a code, and texts that
// grow while their transaction goes on.
#ifndef PROTO_PROTO_LINES_H
#define PROTO_PROTO_LINES_H

#include "proto/proto.h"

enum { LINES_BYTES_MAX = 2048 }; // of a longer line this much is given, its rest passed over

// Bytes of one direction. rest: of the protocol's memory, the line before was too long and its rest is still to come.
struct lines {
	struct span from, before; // what is not read yet; what was not before the last line
	bool *rest;
};

// The next line, without what ends it and the blanks before that. False: there is none yet, lines->from is to be offered again.
bool line_next(struct lines *lines, struct span *line);

// The last line is as if it had not been read.
void line_unread(struct lines *lines);

// The next word of a line. False at its end. What is left of the line has no blanks before it.
bool word_next(struct span *line, struct span *word);

bool word_is(struct span word, const char *text);  // letters of either case
bool word_letters(struct span word);               // letters only, and at least one
int word_index(struct span word, const char *const *list, unsigned count); // -1: none of the list
bool text_has(struct span text, const char *part); // letters of either case
bool text_sound(struct span text);                 // no control characters but tab and carriage return

// Decimal digits at the front, as a number of at most max. False, and nothing read, if there are none or it is more.
bool number_next(struct span *from, uint32_t max, uint32_t *value);

// The next of a list, up to a comma that does not stand between quotes, which is passed over too; without blanks around it.
struct span item_next(struct span *list);

// "250-text": the reply goes on; "250 text", "250": its last line.
struct reply {
	uint16_t code;
	bool last;
	struct span text;
};

bool reply_read(struct span line, struct reply *reply);

// Room of its own for a text that is not whole yet. It holds nothing so far.
struct record_text text_reserve(struct l7 *l7, uint32_t room);

// Puts it in the place of what the text was; adds it to a list of a field with FIELD_LINES.
void text_put_again(struct l7 *l7, struct record_text *text, uint32_t room, struct span in);
void text_list_add(struct l7 *l7, struct record_text *list, uint32_t room, struct span in);

// Gives back what the last text that was reserved did not need.
void text_trim(struct l7 *l7, struct record_text text);

#endif

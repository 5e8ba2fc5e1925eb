// What the protocols of SQL databases share: how much of a statement is told.
#ifndef PROTO_PROTO_SQL_H
#define PROTO_PROTO_SQL_H

#include "proto/proto.h"

enum { SQL_TEXT_MAX = 1024, SQL_BYTES_MAX = 256 };

// The front of a statement, ending behind a word that a password follows.
struct span sql_front(struct span statement);

// Begins with a word that statements begin with, and has no control characters but blanks in its front.
bool sql_is(struct span statement);

#endif

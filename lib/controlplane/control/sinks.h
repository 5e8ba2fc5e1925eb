// The outputs at run time: which run, with which settings, and what is said about them.
#ifndef CONTROL_SINKS_H
#define CONTROL_SINKS_H

#include "control/control.h"

struct sink *control_sink_find(const struct control *c, const struct sink_ops *ops); // NULL: it does not run

// A change in two steps, for those who change more than this: prepare does all that can fail, then one of the other two follows.
struct control_sinks_change {
	unsigned had;     // how many sinks there were
	uint32_t applied; // bit of each that has its new settings
};

// Starts those that this configuration asks for and that do not run, and gives the others its settings. again: also those whose keys
// are the same, as the files that keys name may have changed. On an error all is as it was.
int control_sinks_prepare(struct control *c, const struct config *config, bool again, struct control_sinks_change *change, struct err *err);
// Switches them on and off. One that is off is given nothing more; what waits in its spool goes on.
void control_sinks_commit(struct control *c, const struct config *config);
void control_sinks_abort(struct control *c, const struct control_sinks_change *change);

// Both steps.
int control_sinks_apply(struct control *c, const struct config *config, struct err *err);

// The same, and from then on it is the configuration in force, until the files are read again.
int control_sinks_set(struct control *c, const struct config *config, struct err *err);

// Once a second: what has changed with remote ones is told.
void control_sinks_look(struct control *c);
// After the end: what still waits is noted.
void control_sinks_end(struct control *c);

// Whether records do not get where they should, and a sentence about it (CONTROL_SENTENCE_MAX bytes): "waiting for ...".
bool control_sink_away(const struct sink_stats *stats);
void control_sink_sentence(const struct sink_stats *stats, char *out);

#endif

// Waiting, and being told to stop. SIGTERM and SIGINT are blocked but while we wait here, so that none comes between a question and
// the waiting for its answer.
#ifndef TAIL_WAIT_H
#define TAIL_WAIT_H

#include <stdbool.h>
#include <stdint.h>

void tail_wait_init(void);
bool tail_stopping(void);

uint64_t tail_now_ms(void); // monotonic

// Until fd (-1: none) is ready for events, or ms have passed. Returns 1, 0 when the time is over, -EINTR when told to stop,
// -EPIPE when nobody reads standard output any more.
int tail_wait(int fd, short events, uint64_t ms);
// The same for what has to be finished before we stop: only fd and time count.
int tail_wait_on(int fd, short events, uint64_t ms);

#endif

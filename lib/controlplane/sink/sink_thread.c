#include "sink/sink_thread.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { THREAD_NAME_MAX = 16 };

int sink_thread_start(pthread_t *thread, const char *part, const char *name, void *(*run)(void *), void *argument, struct err *err)
{
	char shown[THREAD_NAME_MAX];
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(err, -rc, "cannot start a thread of the output %s: %s; raise the limit of processes (ulimit -u)", name,
			       strerror(rc));
	snprintf(shown, sizeof(shown), "%.4s-%.10s", part, name);
	pthread_setname_np(*thread, shown);
	return 0;
}

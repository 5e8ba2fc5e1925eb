// What launching has to know of the machine.
#ifndef CONTROL_LAUNCH_H
#define CONTROL_LAUNCH_H

// CPUs that this process may use.
int launch_cpus(void);

#endif

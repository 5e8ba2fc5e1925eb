// The machine's interfaces and gateways, for a person who looks for the right name.
#ifndef CONTROL_INTERFACES_H
#define CONTROL_INTERFACES_H

#include <stdio.h>

int interfaces_print(FILE *out);
int gateways_print(FILE *out);

#endif

#ifndef SPANWATCH_PROTOCOLS_H
#define SPANWATCH_PROTOCOLS_H

#include <stdio.h>

// Every protocol that is told apart: name, title, specification, ports, fields of its event.
void protocols_print(FILE *out);

#endif

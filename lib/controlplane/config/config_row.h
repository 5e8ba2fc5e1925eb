// What the files of this folder share about rows; everybody else sets keys by name through config.h.
#ifndef CONFIG_CONFIG_ROW_H
#define CONFIG_CONFIG_ROW_H

#include "config/config.h"

enum { CONFIG_ROWS_MAX = 128, CONFIG_NAME_MAX = 64, CONFIG_SHOWN_MAX = 64 };

// NULL: no such key.
const struct config_row *config_row_find(const char *section, const char *key);

// The sentence for a key that does not exist; offers the nearest one that does. Returns -ENOENT.
int config_row_unknown(const char *section, const char *key, struct err *err);

int config_row_set(struct config *config, const struct config_row *row, const char *value, struct err *err);

// Whether this key has the same value in both.
bool config_row_same(const struct config_row *row, const struct config *a, const struct config *b);

// What a value of this row may be: "a whole number from 1 to 64".
void config_row_wanted(const struct config_row *row, char *out, size_t room);

// Copies text from outside for a sentence: printable, cut to CONFIG_SHOWN_MAX. out has room for CONFIG_SHOWN_MAX + 4.
const char *config_show(const char *text, char *out);

#endif

// One sentence for a person: what failed, where, what to do. The leaf that knows writes it, the top prints it once.
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum { ERR_TEXT_MAX = 512 };

struct err {
	char text[ERR_TEXT_MAX];
};

// Writes the sentence and returns code (a negative errno), so that a leaf can `return err_set(err, -EINVAL, "...")`.
int err_set(struct err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif

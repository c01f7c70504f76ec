/* What every program here shares: the library, and how each of them ends. */
#ifndef SP_COMMON_H
#define SP_COMMON_H

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdarg.h>

#include <tiffio.h>
#include <spandsp.h>

/* Samples of one lock step: 20 ms. SAMPLE_RATE, 8000, is the library's. */
enum { TICK = 160 };

/* A span of options left to read: --key value, in any order. */
struct args {
	int n;
	char **v;
};

/* Takes the next "--key value" (or "-k value"); false at the end or at the
   first word that is not an option. Exits with status 2 when the value lacks. */
bool next_option(struct args *a, const char **key, const char **value);

/* Reads value as a whole number from low to high, or exits with status 2. */
int number(const char *key, const char *value, int low, int high);

/* Prints "program: message" and exits: 1 for work that failed, 2 for wrong usage. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void misused(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif

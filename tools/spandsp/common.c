#include "common.h"

#include <errno.h>

bool next_option(struct args *a, const char **key, const char **value)
{
	if (a->n == 0 || a->v[0][0] != '-' || a->v[0][1] == 0)
		return false;
	if (a->n < 2)
		misused("%s wants a value", a->v[0]);
	*key = a->v[0];
	*value = a->v[1];
	a->v += 2;
	a->n -= 2;
	return true;
}

int number(const char *key, const char *value, int low, int high)
{
	char *end;
	errno = 0;
	long n = strtol(value, &end, 10);
	if (errno != 0 || *value == 0 || *end != 0 || n < low || n > high)
		misused("%s %s: want %d to %d", key, value, low, high);
	return (int)n;
}

static void say(const char *format, va_list more)
{
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, more);
	fputc('\n', stderr);
}

void fail(const char *format, ...)
{
	va_list more;
	va_start(more, format);
	say(format, more);
	exit(1);
}

void misused(const char *format, ...)
{
	va_list more;
	va_start(more, format);
	say(format, more);
	exit(2);
}

#include "card.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { AUDIO = 1, HOOK, RING, POLARITY, LAMP, HELLO, POWER };

enum { LARGEST = 3200, PATIENCE_S = 10 };

static int connect_unix(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a.sun_path)
		misused("%s is too long a path", path);
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

static int connect_tcp(const char *where)
{
	char host[256];
	const char *colon = strrchr(where, ':');
	if (colon == NULL || (size_t)(colon - where) >= sizeof host)
		misused("tcp:%s: want tcp:HOST:PORT", where);
	snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -1;
	int fd = socket(found->ai_family, SOCK_STREAM, 0);
	bool there = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
	freeaddrinfo(found);
	if (there)
		return fd;
	close(fd);
	return -1;
}

static void put(struct card *c, int type, const void *payload, size_t n)
{
	uint8_t frame[3 + LARGEST] = {(uint8_t)type, (uint8_t)(n >> 8), (uint8_t)n};
	memcpy(frame + 3, payload, n);
	for (size_t at = 0; at < n + 3;) {
		ssize_t sent = send(c->fd, frame + at, n + 3 - at, MSG_NOSIGNAL);
		if (sent <= 0)
			fail("the agent is gone: %m");
		at += (size_t)sent;
	}
}

static void get(struct card *c, void *octets, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = recv(c->fd, (uint8_t *)octets + at, n - at, 0);
		if (got <= 0)
			fail(got == 0 ? "the agent closed the connection" : "the agent is silent: %m");
		at += (size_t)got;
	}
}

/* Takes a frame; its type. What does not fit is an error of the agent. */
static int take(struct card *c, uint8_t payload[LARGEST], size_t *n)
{
	uint8_t head[3];
	get(c, head, sizeof head);
	*n = (size_t)head[1] << 8 | head[2];
	if (*n > LARGEST)
		fail("the agent sent %zu octets in a frame", *n);
	get(c, payload, *n);
	return head[0];
}

static int64_t nanoseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void say_hello(struct card *c, const char *token)
{
	char hello[512];
	uint8_t payload[LARGEST];
	size_t n;
	if (token == NULL)
		snprintf(hello, sizeof hello, "{\"protocol\":1,\"name\":\"spandsp fax machine\"}");
	else
		snprintf(hello, sizeof hello, "{\"protocol\":1,\"name\":\"spandsp fax machine\",\"token\":\"%s\"}", token);
	put(c, HELLO, hello, strlen(hello));
	if (take(c, payload, &n) != HELLO)
		fail("the agent's first frame is no HELLO");
}

void card_connect(struct card *c, const char *address, const char *token)
{
	c->fd = -1;
	for (int tries = 0; c->fd < 0 && tries < 100; tries++) {
		if (tries > 0)
			usleep(100000);
		if (strncmp(address, "unix:", 5) == 0)
			c->fd = connect_unix(address + 5);
		else if (strncmp(address, "tcp:", 4) == 0)
			c->fd = connect_tcp(address + 4);
		else
			misused("--card %s: want unix:/PATH or tcp:HOST:PORT", address);
	}
	if (c->fd < 0)
		fail("%s: %m", address);
	struct timeval patience = {.tv_sec = PATIENCE_S};
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	c->powered = true;
	c->ring_at = c->power_off_at = -1;
	say_hello(c, token);
	c->due_ns = nanoseconds();
}

void card_hook(struct card *c, int value)
{
	uint8_t octet = (uint8_t)value;
	put(c, HOOK, &octet, 1);
}

static void keep_pace(struct card *c)
{
	if (c->fast)
		return;
	struct timespec until = {.tv_sec = c->due_ns / 1000000000, .tv_nsec = c->due_ns % 1000000000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
		;
	c->due_ns += 20000000;
}

static void line_changed(struct card *c, int type, bool on)
{
	if (type == RING && on && !c->ringing) {
		c->rings++;
		c->ring_at = c->now;
	}
	if (type == RING)
		c->ringing = on;
	if (type == POLARITY)
		c->reversed = on;
	if (type == POWER && !on && c->powered)
		c->power_off_at = c->now;
	if (type == POWER)
		c->powered = on;
}

void card_exchange(struct card *c, const int16_t says[TICK], int16_t hears[TICK])
{
	uint8_t octets[2 * TICK], payload[LARGEST];
	size_t n;
	int type;
	for (int i = 0; i < TICK; i++) {
		octets[2 * i] = (uint8_t)says[i];
		octets[2 * i + 1] = (uint8_t)((uint16_t)says[i] >> 8);
	}
	keep_pace(c);
	put(c, AUDIO, octets, sizeof octets);
	while ((type = take(c, payload, &n)) != AUDIO)
		if (n > 0)
			line_changed(c, type, payload[0] != 0);
	if (n != sizeof octets)
		fail("the agent answered %zu octets of sound, not %zu", n, sizeof octets);
	for (int i = 0; i < TICK; i++)
		hears[i] = (int16_t)(payload[2 * i] | payload[2 * i + 1] << 8);
	c->now += TICK;
}

/* sp-t38 is spandsp's T.38 terminal.

     sp-t38 (--send F.tif or --recv F.tif) [machine options of sp-fax]
            [--wire ifp|udptl] [--redundancy-control N] [--redundancy-image N]
            [--fec SPAN,ENTRIES] [--version 0..3] [--seq0 N] [--max-datagram N]
            [--lport N --remote HOST:PORT]

   Without --lport it runs in lock step (pipe.h): each tick of 20 ms a list of
   packets out, a list in. --wire ifp gives IFP packets with their UDPTL numbers
   and leaves UDPTL to the other side of the pipe; --wire udptl gives datagrams
   made and read by udptl.c. With --lport it sends those over UDP, in real time.
   The last line on standard error is the result in JSON. */
#include "link.h"
#include "machine.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct terminal {
	struct machine machine;
	struct link link;
	t38_terminal_state_t *state;
};

static void run_lock_step(struct terminal *t)
{
	struct packets in = {0};
	do {
		t38_terminal_send_timeout(t->state, TICK);
		bool ok = packets_write(&t->link.out) && pipe_flush();
		t->link.out.n = 0;
		if (!ok || !packets_read(&in)) {
			machine_hang_up(&t->machine);
			return;
		}
		for (int i = 0; i < in.n; i++)
			link_receive(&t->link, &in.list[i]);
	} while (machine_pass(&t->machine, TICK));
}

static int open_socket(int port, const char *remote)
{
	char host[256];
	const char *colon = strrchr(remote, ':');
	if (colon == NULL || (size_t)(colon - remote) >= sizeof host)
		misused("--remote %s: want HOST:PORT", remote);
	snprintf(host, sizeof host, "%.*s", (int)(colon - remote), remote);
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
	int bad = getaddrinfo(host, colon + 1, &hints, &found);
	if (bad != 0)
		fail("%s: %s", remote, gai_strerror(bad));
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) != 0)
		fail("port %d: %m", port);
	if (connect(fd, found->ai_addr, found->ai_addrlen) != 0)
		fail("%s: %m", remote);
	freeaddrinfo(found);
	return fd;
}

static int64_t milliseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void send_datagrams(struct link *l, int fd)
{
	for (int i = 0; i < l->out.n; i++) {
		const struct packet *p = &l->out.list[i];
		for (int k = 0; k < p->copies; k++)
			(void)!send(fd, p->octets, p->length, 0);
	}
	l->out.n = 0;
}

static void receive_until(struct link *l, int fd, int64_t when)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	struct packet p;
	for (int64_t now = milliseconds(); now < when; now = milliseconds()) {
		if (poll(&wait, 1, (int)(when - now)) <= 0)
			continue;
		ssize_t n = recv(fd, p.octets, sizeof p.octets, MSG_DONTWAIT);
		if (n <= 0)
			continue;
		p.length = (uint16_t)n;
		link_receive(l, &p);
	}
}

static void run_real_time(struct terminal *t, int fd)
{
	int64_t when = milliseconds();
	do {
		t38_terminal_send_timeout(t->state, TICK);
		send_datagrams(&t->link, fd);
		when += 20;
		receive_until(&t->link, fd, when);
	} while (machine_pass(&t->machine, TICK));
}

int main(int argc, char **argv)
{
	struct args a = {argc - 1, argv + 1};
	static struct terminal t;
	const char *key, *value, *remote = NULL;
	int calling = -1, port = 0;
	machine_init(&t.machine);
	link_init(&t.link);
	while (next_option(&a, &key, &value)) {
		if (strcmp(key, "--calling") == 0)
			calling = number(key, value, 0, 1);
		else if (strcmp(key, "--lport") == 0)
			port = number(key, value, 1, 65535);
		else if (strcmp(key, "--remote") == 0)
			remote = value;
		else if (!machine_option(&t.machine, key, value) && !link_option(&t.link, key, value))
			misused("%s is not known", key);
	}
	machine_check(&t.machine);
	if ((port != 0) != (remote != NULL))
		misused("--lport and --remote go together");
	t.machine.calling = calling < 0 ? t.machine.send != NULL : calling;
	signal(SIGPIPE, SIG_IGN);
	t.state = t38_terminal_init(NULL, t.machine.calling, link_send, &t.link);
	link_start(&t.link, t38_terminal_get_t38_core_state(t.state));
	machine_start(&t.machine, t38_terminal_get_t30_state(t.state));
	if (port != 0) {
		t.link.datagrams = true;
		run_real_time(&t, open_socket(port, remote));
	} else {
		run_lock_step(&t);
	}
	t38_terminal_free(t.state);
	char more[128];
	snprintf(more, sizeof more, ", \"sent\": %u, \"lost\": %d, \"recovered\": %d, \"malformed\": %d", t.link.seq, t.link.rx.lost, t.link.rx.recovered, t.link.rx.malformed);
	return machine_result(&t.machine, more);
}

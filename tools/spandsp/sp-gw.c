/* sp-gw is spandsp's T.38 gateway in lock step (pipe.h): each tick of 20 ms a
   frame of samples and a list of packets out, the same in.

     sp-gw [--ecm 0/1] [--v17 0/1] [--v29 0/1] [--tep 0/1] [--mask-nsf 0/1]
           [--wire ifp|udptl] [--redundancy-control N] [--redundancy-image N]
           [--fec SPAN,ENTRIES] [--version 0..3] [--seq0 N] [--max-datagram N]

   It ends when standard input does, and says in JSON on standard error what it
   saw: rate, ecm, pages. */
#include "link.h"

#include <signal.h>

struct gateway {
	struct link link;
	t38_gateway_state_t *state;
};

static void run(struct gateway *g)
{
	struct packets in = {0};
	int16_t heard[TICK], said[TICK];
	for (;;) {
		int n = t38_gateway_tx(g->state, said, TICK);
		memset(said + n, 0, (size_t)(TICK - n) * sizeof said[0]);
		bool ok = pcm_write(said) && packets_write(&g->link.out) && pipe_flush();
		g->link.out.n = 0;
		if (!ok || !pcm_read(heard) || !packets_read(&in))
			return;
		for (int i = 0; i < in.n; i++)
			link_receive(&g->link, &in.list[i]);
		t38_gateway_rx(g->state, heard, TICK);
	}
}

static void allow(int *set, int bits, bool yes)
{
	*set = yes ? *set | bits : *set & ~bits;
}

int main(int argc, char **argv)
{
	struct args a = {argc - 1, argv + 1};
	static struct gateway g;
	const char *key, *value;
	int ecm = 1, tep = 0, mask = 0, modems = T30_SUPPORT_V27TER | T30_SUPPORT_V29 | T30_SUPPORT_V17;
	link_init(&g.link);
	while (next_option(&a, &key, &value)) {
		if (strcmp(key, "--ecm") == 0)
			ecm = number(key, value, 0, 1);
		else if (strcmp(key, "--v17") == 0)
			allow(&modems, T30_SUPPORT_V17, number(key, value, 0, 1));
		else if (strcmp(key, "--v29") == 0)
			allow(&modems, T30_SUPPORT_V29, number(key, value, 0, 1));
		else if (strcmp(key, "--tep") == 0)
			tep = number(key, value, 0, 1);
		else if (strcmp(key, "--mask-nsf") == 0)
			mask = number(key, value, 0, 1);
		else if (!link_option(&g.link, key, value))
			misused("%s is not known", key);
	}
	signal(SIGPIPE, SIG_IGN);
	g.state = t38_gateway_init(NULL, link_send, &g.link);
	link_start(&g.link, t38_gateway_get_t38_core_state(g.state));
	t38_gateway_set_transmit_on_idle(g.state, true);
	t38_gateway_set_ecm_capability(g.state, ecm);
	t38_gateway_set_supported_modems(g.state, modems);
	t38_gateway_set_tep_mode(g.state, tep);
	if (mask)
		t38_gateway_set_nsx_suppression(g.state, (const uint8_t *)"\0\0\0", 3, (const uint8_t *)"\0\0\0", 3);
	run(&g);
	t38_stats_t s;
	t38_gateway_get_transfer_statistics(g.state, &s);
	fprintf(stderr, "{\"rate\": %d, \"ecm\": %s, \"pages\": %d, \"sent\": %u, \"lost\": %d, \"recovered\": %d, \"malformed\": %d}\n",
		s.bit_rate, s.error_correcting_mode ? "true" : "false", s.pages_transferred, g.link.seq, g.link.rx.lost, g.link.rx.recovered, g.link.rx.malformed);
	t38_gateway_free(g.state);
	return 0;
}

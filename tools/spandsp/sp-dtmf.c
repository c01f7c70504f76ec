/* sp-dtmf is spandsp's DTMF, in raw samples (8000 Hz, 16 bit, the machine's order):

     sp-dtmf rx               hears standard input; the digits, on one line
     sp-dtmf tx DIGITS ON OFF  writes them, ON ms each with OFF ms between, to
                              standard output */
#include "common.h"

static int receive(void)
{
	dtmf_rx_state_t *s = dtmf_rx_init(NULL, NULL, NULL);
	int16_t pcm[TICK];
	char digits[64];
	size_t n;

	while ((n = fread(pcm, sizeof *pcm, TICK, stdin)) > 0) {
		dtmf_rx(s, pcm, (int)n);
		if (dtmf_rx_get(s, digits, sizeof digits - 1) > 0)
			fputs(digits, stdout);
	}
	putchar('\n');
	dtmf_rx_free(s);
	return 0;
}

static int transmit(char **v)
{
	dtmf_tx_state_t *s = dtmf_tx_init(NULL);
	int16_t pcm[TICK];
	int n;

	dtmf_tx_set_timing(s, number("ON", v[1], 10, 10000), number("OFF", v[2], 10, 10000));
	if (dtmf_tx_put(s, v[0], -1))
		misused("too many digits");
	while ((n = dtmf_tx(s, pcm, TICK)) > 0)
		if (fwrite(pcm, sizeof *pcm, (size_t)n, stdout) != (size_t)n)
			fail("cannot write");
	dtmf_tx_free(s);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "rx"))
		return receive();
	if (argc == 5 && !strcmp(argv[1], "tx"))
		return transmit(argv + 2);
	misused("rx, or tx DIGITS ON OFF");
}

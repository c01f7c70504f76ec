/* sp-adsi is spandsp's receiver of caller ID, on a recording:

     sp-adsi class|clip|aclip|dtmf < SAMPLES

   Samples are 16 bit, little endian, 8000 Hz. Each message with a good checksum
   is a line: its fields, each TYPE=OCTETS in hexadecimal; the first field is the
   type of the message, without octets. */
#include "common.h"

#include <spandsp.h>

static adsi_rx_state_t *rx;

static void put(void *user, const uint8_t *msg, int len)
{
	uint8_t type;
	const uint8_t *body;
	int at = -1, n;
	(void)user;
	do {
		at = adsi_next_field(rx, msg, len, at, &type, &body, &n);
		if (at <= 0)
			break;
		printf("%02x=", type);
		for (int i = 0; body != NULL && i < n; i++)
			printf("%02x", body[i]);
		printf(" ");
	} while (1);
	printf("\n");
}

static int standard(const char *name)
{
	if (strcmp(name, "class") == 0)
		return ADSI_STANDARD_CLASS;
	if (strcmp(name, "clip") == 0)
		return ADSI_STANDARD_CLIP;
	if (strcmp(name, "aclip") == 0)
		return ADSI_STANDARD_ACLIP;
	if (strcmp(name, "dtmf") == 0)
		return ADSI_STANDARD_CLIP_DTMF;
	misused("%s: want class, clip, aclip or dtmf", name);
}

int main(int argc, char **argv)
{
	int16_t pcm[160];
	size_t n;
	if (argc != 2)
		misused("want one word: class, clip, aclip or dtmf");
	rx = adsi_rx_init(NULL, standard(argv[1]), put, NULL);
	while ((n = fread(pcm, sizeof pcm[0], 160, stdin)) > 0)
		adsi_rx(rx, pcm, (int)n);
	adsi_rx_free(rx);
	return 0;
}

/*
 * G.726 at 24 kbit/s by spandsp: "encode" turns 16-bit samples on standard
 * input into codes, one an octet; "decode" turns them back.
 */
#include <stdio.h>
#include <string.h>
#include <spandsp.h>

enum { FRAME = 160 };

static void encode(g726_state_t *s)
{
    int16_t pcm[FRAME];
    uint8_t codes[FRAME];
    size_t n;

    while ((n = fread(pcm, sizeof pcm[0], FRAME, stdin)) > 0)
        fwrite(codes, 1, g726_encode(s, codes, pcm, (int) n), stdout);
}

static void decode(g726_state_t *s)
{
    int16_t pcm[FRAME];
    uint8_t codes[FRAME];
    size_t n;

    while ((n = fread(codes, 1, FRAME, stdin)) > 0)
        fwrite(pcm, sizeof pcm[0], g726_decode(s, pcm, codes, (int) n), stdout);
}

int main(int argc, char **argv)
{
    g726_state_t *s = g726_init(NULL, 24000, G726_ENCODING_LINEAR, G726_PACKING_NONE);

    if (argc != 2 || s == NULL)
        return 2;
    if (strcmp(argv[1], "encode") == 0)
        encode(s);
    else if (strcmp(argv[1], "decode") == 0)
        decode(s);
    else
        return 2;
    g726_free(s);
    return ferror(stdout) || fflush(stdout) != 0;
}

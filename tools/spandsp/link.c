#include "link.h"

void link_init(struct link *l)
{
	memset(l, 0, sizeof *l);
	l->depth_control = l->depth_image = 3;
	l->version = -1;
}

static void read_fec(struct link *l, const char *value)
{
	if (sscanf(value, "%d,%d", &l->tx.span, &l->tx.entries) != 2 || l->tx.span < 1 || l->tx.entries < 1 || l->tx.span * l->tx.entries >= UDPTL_PAST)
		misused("--fec %s: want SPAN,ENTRIES with a product of at most %d", value, UDPTL_PAST - 1);
}

bool link_option(struct link *l, const char *key, const char *value)
{
	if (strcmp(key, "--wire") == 0)
		l->datagrams = strcmp(value, "udptl") == 0;
	else if (strcmp(key, "--redundancy-control") == 0)
		l->depth_control = number(key, value, 0, 15);
	else if (strcmp(key, "--redundancy-image") == 0)
		l->depth_image = number(key, value, 0, 15);
	else if (strcmp(key, "--fec") == 0)
		read_fec(l, value);
	else if (strcmp(key, "--version") == 0)
		l->version = number(key, value, 0, 3);
	else if (strcmp(key, "--seq0") == 0)
		l->seq = (uint16_t)number(key, value, 0, 65535);
	else if (strcmp(key, "--max-datagram") == 0)
		l->max_datagram = number(key, value, 1, 65535);
	else
		return false;
	return true;
}

/* The library passes a category's setting through to link_send as count: the
   low half is copies, the high half the depth. */
static void set_category(struct link *l, int category, int copies, int depth)
{
	t38_set_redundancy_control(l->core, category, copies | depth << 8);
}

void link_start(struct link *l, t38_core_state_t *core)
{
	l->core = core;
	set_category(l, T38_PACKET_CATEGORY_INDICATOR, 3, l->depth_control);
	set_category(l, T38_PACKET_CATEGORY_CONTROL_DATA, 1, l->depth_control);
	set_category(l, T38_PACKET_CATEGORY_CONTROL_DATA_END, 3, l->depth_control);
	set_category(l, T38_PACKET_CATEGORY_IMAGE_DATA, 1, l->depth_image);
	set_category(l, T38_PACKET_CATEGORY_IMAGE_DATA_END, 3, l->depth_image);
	if (l->version >= 0)
		t38_set_t38_version(core, l->version);
	if (l->max_datagram > 0)
		t38_set_max_datagram_size(core, l->max_datagram);
}

int link_send(t38_core_state_t *core, void *user, const uint8_t *octets, int length, int count)
{
	struct link *l = user;
	struct packet *p = packets_add(&l->out);
	(void)core;
	if (length > MAX_PACKET / 2)
		fail("the library sent %d octets", length);
	p->seq = l->seq++;
	p->copies = (uint8_t)count;
	p->depth = (uint8_t)(count >> 8);
	if (l->datagrams) {
		p->length = (uint16_t)udptl_encode(&l->tx, p->octets, p->seq, p->depth, octets, length);
	} else {
		p->length = (uint16_t)length;
		memcpy(p->octets, octets, (size_t)length);
	}
	return 0;
}

static void hand_over(void *user, uint16_t seq, const uint8_t *ifp, int length)
{
	t38_core_rx_ifp_packet(((struct link *)user)->core, ifp, length, seq);
}

void link_receive(struct link *l, const struct packet *p)
{
	if (l->datagrams)
		udptl_decode(&l->rx, p->octets, p->length, hand_over, l);
	else
		hand_over(l, p->seq, p->octets, p->length);
}

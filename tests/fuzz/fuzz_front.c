/*
 * A conversation through a front end, of any kind and on either side: what client and server say,
 * and when the handshake is done, is the input. However it is cut, the same comes out of it; and
 * while the handshake goes on nothing is used.
 */
#include "../unit/transit/talk.h"

#define SIZE_LIMIT 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct front_kind *kind_of(unsigned n) {
  size_t count = 0;
  while (front_kinds[count])
    count++;
  return front_kinds[n % count];
}

/* Lines: who speaks, how long (little-endian), and that. */
static void play(struct talk *t, struct bytes in, size_t step) {
  if (front_new(kind_of(in.data[0] >> 1), in.data[0] & 1 ? FRONT_CLIENT : FRONT_SERVER, &t->f) !=
      OK)
    abort();
  in = bytes_of(in.data + 1, in.size - 1);
  while (in.size >= 3) {
    enum talker who = (enum talker)(in.data[0] % 3);
    size_t size = in.data[1] | (size_t)in.data[2] << 8;
    in = bytes_of(in.data + 3, in.size - 3);
    if (size > in.size)
      size = in.size;
    struct bytes what = bytes_of(in.data, size);
    size_t left = t->said[CLIENT].size + t->said[SERVER].size;
    bool begun = front_state(t->f) == FRONT_TLS;
    if (talk_say(t, who, what, step) != OK)
      abort();
    if (begun && who != SECURED && t->said[CLIENT].size + t->said[SERVER].size != left + size)
      abort();
    in = bytes_of(in.data + size, in.size - size);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO_TALK whole = { 0 };
  AUTO_TALK pieces = { 0 };
  if (size < 1 || size > SIZE_LIMIT)
    return 0;
  play(&whole, bytes_of(data, size), SIZE_MAX);
  play(&pieces, bytes_of(data, size), 1 + data[0] / 16);
  if (front_state(whole.f) != front_state(pieces.f) ||
      strcmp(front_why(whole.f), front_why(pieces.f)) != 0)
    abort();
  for (int who = CLIENT; who <= SERVER; who++)
    if (!bytes_equal(buf_bytes(&whole.sent[who]), buf_bytes(&pieces.sent[who])) ||
        whole.sent[who].size > 8 * size + 1024)
      abort();
  if ((front_state(whole.f) == FRONT_REFUSED) != (front_why(whole.f)[0] != '\0'))
    abort();
  return 0;
}

/* Conversations in tables: each is played whole, byte by byte, and with each of its lines cut in
 * two at each place, and must come out the same. */
#ifndef TEST_SCENE_H
#define TEST_SCENE_H

#include "../asserts.h"
#include "talk.h"

#define LINES_MAX 12
#define TEXT(literal) \
  { (const uint8_t *)(literal), sizeof(literal) - 1 }

struct scene {
  const char *name;
  enum front_side side;
  struct {
    enum talker who;
    struct bytes what;
  } lines[LINES_MAX];
  struct bytes to_client, to_server; /* what was sent in all */
  enum front_state end;
  const char *why;                 /* of FRONT_REFUSED */
  size_t client_left, server_left; /* what waits in the end */
};
#define SAYS(who, literal) \
  { who, TEXT(literal) }
#define IS_SECURED \
  { SECURED, TEXT(" ") }

static inline void play(const struct scene *s, const struct front_kind *kind, size_t line,
                        size_t cut, size_t step) {
  AUTO_TALK t = { 0 };
  assert_ok(front_new(kind, s->side, &t.f));
  for (size_t i = 0; i < LINES_MAX; i++) {
    struct bytes what = s->lines[i].what;
    size_t first = i == line ? cut : what.size;
    if (s->lines[i].who == SECURED && what.size)
      assert_int_equal(front_state(t.f), FRONT_TLS);
    if (what.size)
      assert_ok(talk_say(&t, s->lines[i].who, bytes_of(what.data, first), step));
    if (first < what.size)
      assert_ok(
        talk_say(&t, s->lines[i].who, bytes_of(what.data + first, what.size - first), step));
  }
  assert_int_equal(front_state(t.f), s->end);
  assert_string_equal(front_why(t.f), s->why ? s->why : "");
  assert_bytes(buf_bytes(&t.sent[CLIENT]), s->to_client);
  assert_bytes(buf_bytes(&t.sent[SERVER]), s->to_server);
  assert_int_equal(t.said[CLIENT].size, s->client_left);
  assert_int_equal(t.said[SERVER].size, s->server_left);
}

static inline void play_all(const struct scene *scenes, size_t count, const char *kind) {
  for (size_t i = 0; i < count; i++) {
    print_message("%s\n", scenes[i].name);
    const struct scene *s = &scenes[i];
    play(s, front_find(kind), LINES_MAX, 0, SIZE_MAX);
    play(s, front_find(kind), LINES_MAX, 0, 1);
    for (size_t line = 0; line < LINES_MAX; line++)
      for (size_t cut = 1; s->lines[line].who != SECURED && cut < s->lines[line].what.size; cut++)
        play(s, front_find(kind), line, cut, SIZE_MAX);
  }
}

#endif

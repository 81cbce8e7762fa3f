/* When a peer is dialled, looked at twice a second on a clock of the test's own. */
#include "transit/vpn/redial.h"
#include "unit/asserts.h"

#define SECOND UINT64_C(1000000)
#define STEP (SECOND / 2)
#define TURN (3 * SECOND)

/* How often it is dialled in so many seconds from *now on, where each tunnel is up for so many
 * looks, and then refused or cut off. */
static unsigned count(struct redial *r, uint64_t turn, unsigned seconds, unsigned up_looks,
                      bool refused, uint64_t *now) {
  unsigned dials = 0, up = 0;
  for (uint64_t end = *now + seconds * SECOND; *now < end; *now += STEP) {
    redial_look(r, up > 0, *now);
    if (up && --up == 0 && refused)
      redial_refused(r, *now);
    if (!up && redial_due(r, turn, *now)) {
      dials++;
      up = up_looks;
    }
  }
  return dials;
}

static void doubles_up_to_a_minute(void **state) {
  struct redial r = { 0 };
  uint64_t now = SECOND;
  assert_int_equal(count(&r, 0, 80, 0, false, &now), 6);   /* at 0, 2, 6, 14, 30 and 62 s */
  assert_int_equal(count(&r, 0, 600, 0, false, &now), 10); /* once a minute */
}

/* Also where it was up for a moment each time: what tells of success here is a tunnel that holds.
 */
static void one_that_does_not_hold_is_no_success(void **state) {
  struct redial cut = { 0 }, refused = { 0 };
  uint64_t now = SECOND;
  assert_in_range(count(&cut, TURN, 80, 1, false, &now), 3, 6);
  assert_in_range(count(&refused, TURN, 80, 1, true, &now), 2, 4);
  assert_in_range(count(&refused, TURN, 600, 1, true, &now), 5, 10);
}

static void one_that_held_is_dialled_anew_at_once(void **state) {
  struct redial r = { 0 };
  uint64_t now = SECOND;
  count(&r, 0, 600, 0, false, &now);
  for (uint64_t end = now + 61 * SECOND; now < end; now += STEP)
    redial_look(&r, true, now);
  redial_look(&r, false, now);
  assert_true(redial_due(&r, 0, now));
  assert_false(redial_due(&r, 0, now + SECOND));
  assert_true(redial_due(&r, 0, now + 2 * SECOND));
}

static void the_other_side_has_its_turn(void **state) {
  struct redial r = { 0 };
  assert_false(redial_due(&r, TURN, SECOND));
  assert_false(redial_due(&r, TURN, 3 * SECOND));
  assert_true(redial_due(&r, TURN, 4 * SECOND));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(doubles_up_to_a_minute),
    cmocka_unit_test(one_that_does_not_hold_is_no_success),
    cmocka_unit_test(one_that_held_is_dialled_anew_at_once),
    cmocka_unit_test(the_other_side_has_its_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

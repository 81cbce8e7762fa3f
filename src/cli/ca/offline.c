/* strongroom ca take-offline, renew-issuing: with the hub stopped. */
#include "cli/vault/offline.h"
#include "cli/out.h"
#include "cli/verbs.h"

#define PERMIT_MAX 64

static err_t key_passphrase(const struct args *a, bool twice, struct secret *out) {
  uint64_t n = 0;
  if (!args_flag(a, "key-passphrase-fd"))
    return passphrase_ask("Passphrase of the root's key: ", twice, out);
  TRY(args_uint(a, "key-passphrase-fd", 0, 1 << 20, &n));
  return passphrase_read((int)n, out);
}

static err_t run_take_offline(const struct args *a) {
  AUTO_OFFLINE o = { 0 };
  AUTO_SECRET passphrase = { 0 };
  const char *file = args_value(a, "out");
  if (!file)
    FAIL(ERR_USAGE, "--out FILE is missing: the root's key is written to it");
  TRY(offline_open(a, &o));
  TRY(key_passphrase(a, true, &passphrase));
  TRY(hub_ca_take_offline(o.conf, secret_bytes(&o.passphrase), file, secret_bytes(&passphrase)));
  out_line("The root's key is in %s, under the passphrase, and no longer in the vault.", file);
  out_line("Keep the file away from this machine. Copies of the database from before still have "
           "the key.");
  return OK;
}

static const struct opt take_offline_options[] = {
  { "out", OPT_VALUE, "FILE", NULL, "write the sealed key to FILE (mode 0600)" },
  { "key-passphrase-fd", OPT_VALUE, "N", NULL, "read the key's passphrase from descriptor N" },
  OFFLINE_OPTIONS,
  OPT_END,
};

const struct verb verb_ca_take_offline = {
  .noun = "ca",
  .name = "take-offline",
  .words = "",
  .summary = "Move the root's private key out of the vault into a file",
  .details =
    "Works on the files: stop the hub first. The key is sealed under a passphrase (scrypt). The\n"
    "issuing authority goes on without it for up to three years; the hub's log warns in time.",
  .options = take_offline_options,
  .examples = "strongroom ca take-offline --data /var/lib/strongroom --out /media/usb/root.sealed",
  .run = run_take_offline,
};

static err_t run_renew(const struct args *a) {
  AUTO_OFFLINE o = { 0 };
  AUTO_SECRET passphrase = { 0 };
  const char *permit[PERMIT_MAX];
  struct hub_ca_renewal r = { .key_file = args_value(a, "root-key"),
                              .permit = permit,
                              .revoke = args_flag(a, "revoke") };
  size_t at = 0;
  unsigned number;
  for (const char *v; (v = args_next(a, "permit", &at));) {
    if (r.permit_count == PERMIT_MAX)
      FAIL(ERR_USAGE, "--permit is given more than %d times", PERMIT_MAX);
    permit[r.permit_count++] = v;
  }
  TRY(offline_open(a, &o));
  if (r.key_file)
    TRY(key_passphrase(a, false, &passphrase));
  r.key_passphrase = secret_bytes(&passphrase);
  TRY(hub_ca_renew(o.conf, secret_bytes(&o.passphrase), &r, &number));
  out_line("Issuing authority %u issues from the hub's next start on.", number);
  return OK;
}

static const struct opt renew_options[] = {
  { "root-key", OPT_VALUE, "FILE", NULL, "the root's key, if it is offline" },
  { "key-passphrase-fd", OPT_VALUE, "N", NULL, "read its passphrase from descriptor N" },
  { "permit", OPT_LIST, "CONSTRAINT", NULL,
    "issue for these only: dns:example.com, ip:10.0.0.0/8, uri:example, email:example.com; again "
    "for more (default: as before)" },
  { "revoke", OPT_FLAG, NULL, NULL, "revoke the earlier ones, and with them all they issued" },
  OFFLINE_OPTIONS,
  OPT_END,
};

const struct verb verb_ca_renew_issuing = {
  .noun = "ca",
  .name = "renew-issuing",
  .words = "",
  .summary = "Make a fresh issuing authority under the root",
  .details =
    "Works on the files: stop the hub first. A running hub renews it by itself while the root's\n"
    "key is in the vault. Names that --permit does not cover are refused by the hub and by "
    "whoever\n"
    "verifies; the hub's own names are added.",
  .options = renew_options,
  .examples = "strongroom ca renew-issuing --root-key /media/usb/root.sealed\n"
              "strongroom ca renew-issuing --permit dns:example.com --permit ip:10.0.0.0/8",
  .run = run_renew,
};

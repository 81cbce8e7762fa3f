#include "cli/up/print.h"

#include "base/file.h"
#include "base/write.h"
#include "cli/ask.h"

#include <stdio.h>
#include <unistd.h>

#define ENV_MAX 65536
#define SECRET_NAME "AZURE_CLIENT_SECRET"

static bool is_sealed(const struct service *s) {
  return json_is_true(json_object_get(s->ready, "sealed"));
}

static err_t print_services(const struct service *services, size_t count) {
  static const char *const headings[] = { "SERVICE", "STATE", "ADDRESS", "PID", "SINCE" };
  AUTO_TABLE t = { 0 };
  char pid[16], since[WHEN_SIZE];
  table_start(&t, 5, headings);
  for (size_t i = 0; i < count; i++) {
    snprintf(pid, sizeof pid, "%d", (int)services[i].pid);
    when_format(services[i].since, since);
    table_cell_str(&t, services[i].name);
    table_cell_str(&t, is_sealed(&services[i]) ? "sealed" : "serving");
    table_cell(&t, field_text(services[i].ready, "listen"));
    table_cell_str(&t, pid);
    table_cell_str(&t, since);
  }
  return table_print(&t);
}

/* The lines of DIR/env, but not the one with the secret: screens are shared. */
static err_t print_environment(const char *data_dir) {
  AUTO_BUF text = BUF_EMPTY;
  char path[4096];
  snprintf(path, sizeof path, "%s/env", data_dir);
  if (file_read(path, ENV_MAX, &text) != OK)
    return buf_ok(&text);
  out_line("\nFor clients: '. %s' in a shell sets all of this and %s:\n", path, SECRET_NAME);
  struct bytes rest = buf_bytes(&text), line;
  while (rest.data) {
    rest = bytes_split(rest, '\n', &line);
    if (line.size && !memmem(line.data, line.size, SECRET_NAME, strlen(SECRET_NAME)))
      out_text(line);
  }
  return OK;
}

static struct bytes next_line(struct bytes *rest) {
  struct bytes line;
  *rest = bytes_split(*rest, '\n', &line);
  return line;
}

err_t up_print(const struct service *services, size_t count, const char *data_dir,
               struct bytes proof) {
  TRY(print_services(services, count));
  out_line("%s", "");
  for (struct bytes line; (line = next_line(&proof)).size;)
    out_field("Encrypted", line);
  TRY(print_environment(data_dir));
  const struct service *vault = &services[0];
  if (is_sealed(vault))
    out_line("\nThe vault is sealed: 'strongroom vault unseal --data %s' opens it.", data_dir);
  char key[4096];
  snprintf(key, sizeof key, "%s/root.key", data_dir);
  if (bytes_equal_str(field_text(vault->ready, "root"), "file") && access(key, F_OK) == 0)
    out_line("\nThe root key is a file: who can read it and the database can read every key. Keep\n"
             "them on different disks (--root-file), or stop the hub and put the vault under a\n"
             "passphrase: strongroom vault rewrap passphrase --data %s",
             data_dir);
  out_line("\nCtrl-C stops the hub.");
  return OK;
}

err_t up_print_json(const struct service *services, size_t count, const char *data_dir,
                    struct bytes proof) {
  AUTO_BUF b = BUF_EMPTY;
  write_open(&b, NULL, '{');
  write_open(&b, "services", '[');
  for (size_t i = 0; i < count; i++) {
    write_open(&b, NULL, '{');
    write_str(&b, "name", services[i].name);
    write_str(&b, "state", is_sealed(&services[i]) ? "sealed" : "serving");
    write_text(&b, "url", field_text(services[i].ready, "url"));
    write_text(&b, "address", field_text(services[i].ready, "listen"));
    write_i64(&b, "pid", services[i].pid);
    write_i64(&b, "since", services[i].since);
    write_close(&b, '}');
  }
  write_close(&b, ']');
  write_open(&b, "encrypted", '[');
  for (struct bytes line; (line = next_line(&proof)).size;)
    write_text(&b, NULL, line);
  write_close(&b, ']');
  write_str(&b, "data", data_dir);
  write_close(&b, '}');
  TRY(buf_ok(&b));
  out_line(BYTES_FMT, BYTES_ARG(buf_bytes(&b)));
  return OK;
}

/*
 * A program that uses libstrongroom as it is told: a line of stdin is a command, its answer a line
 * of stdout that begins with the status. For tests that stop the hub, take roles away or look into
 * this process's memory between two calls.
 *
 *   secret NAME            its size
 *   hold NAME | drop       a secret that stays in memory until it is dropped
 *   token                  its size
 *   wrap KEY | unwrap      what was wrapped last
 *   seal KEY | open        a text in memory; open that of the last seal
 *   stream KEY IN OUT      files; the context is "driver"
 *   unstream IN OUT
 *   file PATH | read       a sealed file is opened and kept; bytes of its beginning
 *   set KEY                a set of records, kept
 *   record | unrecord      seals one; opens the last
 *   sleep MS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strongroom.h>
#include <time.h>
#include <unistd.h>

static struct sr_vault *vault;
static struct sr_error error;
static struct sr_wrapped wrapped, set_key;
static struct sr_bytes sealed, record, held;
static struct sr_file *file;
static struct sr_records *records;
static int file_fd = -1;

static const char text[] = "the text that is sealed";
static const struct sr_stream how = { .context = "driver", .context_size = 6 };

static enum sr_status secret(const char *name, size_t *size) {
  struct sr_bytes value;
  enum sr_status s = sr_get_secret(vault, name, NULL, &value, &error);
  *size = value.size;
  sr_bytes_free(&value);
  return s;
}

static enum sr_status token(size_t *size) {
  struct sr_bytes value;
  enum sr_status s = sr_get_token(vault, &value, &error);
  *size = value.size;
  sr_bytes_free(&value);
  return s;
}

/* SR_INTERNAL for another text than was sealed. */
static enum sr_status check(enum sr_status s, struct sr_bytes *plain) {
  if (s == SR_OK && (plain->size != sizeof text || memcmp(plain->data, text, sizeof text) != 0))
    s = SR_INTERNAL;
  sr_bytes_free(plain);
  return s;
}

static enum sr_status unwrap(void) {
  struct sr_bytes plain;
  enum sr_status s = sr_unwrap(vault, &wrapped, &plain, &error);
  if (s == SR_OK && (plain.size != 32 || plain.data[0] != 0x5a))
    s = SR_INTERNAL;
  sr_bytes_free(&plain);
  return s;
}

static enum sr_status stream(char **word, int open_it) {
  const char *from = word[open_it ? 1 : 2], *to = word[open_it ? 2 : 3];
  int in = open(from, O_RDONLY | O_CLOEXEC),
      out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  enum sr_status s = open_it ? sr_stream_open(vault, &how, in, out, &error)
                             : sr_stream_seal(vault, word[1], &how, in, out, &error);
  close(in);
  close(out);
  return s;
}

static void forget_file(void) {
  sr_file_close(file);
  file = NULL;
  if (file_fd >= 0)
    close(file_fd);
  file_fd = -1;
}

static void forget_records(void) {
  sr_records_close(records);
  records = NULL;
}

static enum sr_status open_file(const char *path) {
  forget_file();
  file_fd = open(path, O_RDONLY | O_CLOEXEC);
  return sr_file_open(vault, how.context, how.context_size, file_fd, &file, &error);
}

static enum sr_status read_file(size_t *size) {
  char buffer[64];
  return sr_file_read(file, 0, buffer, sizeof buffer, size, &error);
}

static enum sr_status on_records(char **word) {
  struct sr_bytes plain;
  if (strcmp(word[0], "set") == 0) {
    forget_records();
    return sr_records_new(vault, word[1], &set_key, &records, &error);
  }
  if (strcmp(word[0], "record") == 0) {
    sr_bytes_free(&record);
    return sr_record_seal(records, "a", 1, text, sizeof text, &record, &error);
  }
  enum sr_status s = sr_record_open(records, "a", 1, record.data, record.size, &plain, &error);
  return check(s, &plain);
}

static enum sr_status on_keys(char **word) {
  unsigned char data_key[32];
  struct sr_bytes plain;
  if (strcmp(word[0], "wrap") == 0) {
    memset(data_key, 0x5a, sizeof data_key);
    enum sr_status s = sr_wrap(vault, word[1], data_key, sizeof data_key, &wrapped, &error);
    explicit_bzero(data_key, sizeof data_key);
    return s;
  }
  if (strcmp(word[0], "unwrap") == 0)
    return unwrap();
  if (strcmp(word[0], "seal") == 0) {
    sr_bytes_free(&sealed);
    return sr_bytes_seal(vault, word[1], "c", 1, text, sizeof text, &sealed, &error);
  }
  enum sr_status s = sr_bytes_open(vault, "c", 1, sealed.data, sealed.size, &plain, &error);
  return check(s, &plain);
}

static enum sr_status pause_ms(const char *ms) {
  long n = strtol(ms, NULL, 10);
  const struct timespec t = { n / 1000, n % 1000 * 1000000 };
  nanosleep(&t, NULL);
  return SR_OK;
}

static enum sr_status run(char **word, size_t *size) {
  error = (struct sr_error){ 0 };
  if (strcmp(word[0], "secret") == 0)
    return secret(word[1], size);
  if (strcmp(word[0], "hold") == 0)
    return sr_get_secret(vault, word[1], NULL, &held, &error);
  if (strcmp(word[0], "drop") == 0) {
    sr_bytes_free(&held);
    return SR_OK;
  }
  if (strcmp(word[0], "token") == 0)
    return token(size);
  if (strcmp(word[0], "stream") == 0 || strcmp(word[0], "unstream") == 0)
    return stream(word, word[0][0] == 'u');
  if (strcmp(word[0], "file") == 0)
    return open_file(word[1]);
  if (strcmp(word[0], "read") == 0)
    return read_file(size);
  if (strcmp(word[0], "sleep") == 0)
    return pause_ms(word[1]);
  if (strcmp(word[0], "set") == 0 || strstr(word[0], "record"))
    return on_records(word);
  return on_keys(word);
}

/* driver [LIFETIME_S [TIMEOUT_MS RETRY_MS]] */
static enum sr_status connect_as_told(int argc, char **argv) {
  static const enum sr_option names[] = { SR_DATA_KEY_LIFETIME_S, SR_TIMEOUT_MS, SR_RETRY_MS };
  struct sr_options *o;
  enum sr_status s = sr_options_new(&o, &error);
  if (s == SR_OK)
    s = sr_options_environment(o, &error);
  for (int i = 0; i + 1 < argc && i < 3 && s == SR_OK; i++)
    s = sr_options_set_number(o, names[i], strtoul(argv[i + 1], NULL, 10), &error);
  if (s == SR_OK)
    s = sr_connect(o, &vault, &error);
  sr_options_free(o);
  return s;
}

int main(int argc, char **argv) {
  char line[4096];
  enum sr_status s = connect_as_told(argc, argv);
  while (s == SR_OK && fgets(line, sizeof line, stdin)) {
    char *word[5] = { 0 }, *rest = line;
    for (size_t i = 0; i < 4 && (word[i] = strtok_r(rest, " \n", &rest)); i++)
      continue;
    size_t size = 0;
    if (!word[0])
      continue;
    enum sr_status did = run(word, &size);
    printf("%s %zu %d %s %s\n", sr_status_name(did), size, error.http_status,
           *error.code ? error.code : "-", error.message);
    fflush(stdout);
  }
  if (s != SR_OK)
    printf("%s 0 0 - %s\n", sr_status_name(s), error.message);
  forget_file();
  forget_records();
  sr_bytes_free(&sealed);
  sr_bytes_free(&record);
  sr_bytes_free(&held);
  sr_close(vault);
  return s != SR_OK;
}

#include "cli/core/reader.h"

#include "base/file.h"
#include "cli/core/config.h"
#include "seal/sealed.h"

#define INFO_MAX 65536

err_t core_reader_dir(const struct args *a, struct core_dir **out) {
  AUTO(conf) struct conf *c = NULL;
  const char *dir = args_value(a, "dir"), *config = core_config_path(a);
  if (dir)
    return core_dir_open(dir, out);
  if (args_value(a, "config") || access(config, F_OK) == 0)
    TRY(core_config_read(config, &c));
  else
    TRY(core_config_new(&c));
  return core_dir_open(conf_str(c, "dir"), out);
}

err_t core_reader_open(const struct args *a, struct core_reader *out) {
  AUTO_READER r = { 0 };
  TRY(core_reader_dir(a, &r.dir));
  TRY(ask_open(a, &r.client));
  struct key_service service = client_key_service(r.client);
  TRY(key_cache_new(&service, NULL, &r.cache));
  *out = r;
  r = (struct core_reader){ 0 };
  return OK;
}

void core_reader_close(struct core_reader *r) {
  if (r->cache)
    key_cache_free(r->cache);
  if (r->client)
    client_free(r->client);
  if (r->dir)
    core_dir_close(r->dir);
  *r = (struct core_reader){ 0 };
}

err_t core_reader_info(struct core_reader *r, uint64_t number, struct crash *out) {
  AUTO_FD fd = -1;
  AUTO_BUF sealed = BUF_EMPTY, context = BUF_EMPTY, record = BUF_EMPTY;
  core_context(number, CORE_PART_INFO, &context);
  TRY(buf_ok(&context));
  TRY(core_dir_part(r->dir, number, CORE_PART_INFO, &fd));
  TRY(file_read_fd(fd, "the record", INFO_MAX, &sealed));
  TRY(sealed_get(r->cache, buf_bytes(&context), buf_bytes(&sealed), &record));
  if (crash_read(buf_bytes(&record), out) != OK)
    FAIL(ERR_DAMAGED, "the record of core %llu is none of this version's",
         (unsigned long long)number);
  return OK;
}

err_t core_reader_core(struct core_reader *r, uint64_t number, bool sparse, int out) {
  AUTO_FD fd = -1;
  AUTO_BUF context = BUF_EMPTY;
  core_context(number, CORE_PART_CORE, &context);
  TRY(buf_ok(&context));
  TRY(core_dir_part(r->dir, number, CORE_PART_CORE, &fd));
  const struct sealed_options o = {
    .context = buf_bytes(&context),
    .stream = { .sparse_out = sparse },
  };
  return sealed_open(r->cache, &o, fd, out);
}

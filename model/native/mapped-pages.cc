// A Node-API addon for the memory of this process: file pages that it maps, the C library's heap, and libraries that
// it loads in the background.
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <node_api.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cinttypes>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <thread>

namespace {

// Relocations that wrote into code: its pages are then no longer the file's.
bool WritesIntoCode(const dl_phdr_info& object) {
  for (int i = 0; i < object.dlpi_phnum; i++) {
    const ElfW(Phdr)& header = object.dlpi_phdr[i];
    if (header.p_type != PT_DYNAMIC) continue;
    auto entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + header.p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag == DT_TEXTREL) return true;
      if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)) return true;
    }
  }
  return false;
}

// Only segments that nothing may write to: every page can be read from the file again. Data that is
// read-only after relocation lies in a writable segment, and is left alone.
int ReleaseObject(dl_phdr_info* object, size_t, void* released) {
  if (WritesIntoCode(*object)) return 0;
  const uintptr_t page = sysconf(_SC_PAGESIZE);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)& header = object->dlpi_phdr[i];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W)) continue;
    const uintptr_t begin = object->dlpi_addr + header.p_vaddr;
    const uintptr_t first = (begin + page - 1) / page * page;
    const uintptr_t end = (begin + header.p_filesz) / page * page;
    if (end <= first) continue;
    if (madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED) == 0) {
      *static_cast<double*>(released) += end - first;
    }
  }
  return 0;
}

// What is mapped for reading alone from files in this folder, such as weights that a library has rearranged into
// memory of its own.
double ReleaseFolder(const char* folder, size_t length) {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return 0;
  double released = 0;
  char line[PATH_MAX + 100];
  while (fgets(line, sizeof line, maps) != nullptr) {
    uintptr_t begin, end;
    int path = 0;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " r--p %*s %*s %*s %n", &begin, &end, &path) != 2 || path == 0) continue;
    if (strncmp(line + path, folder, length) != 0 || line[path + length] != '/') continue;
    if (madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED) == 0) released += end - begin;
  }
  fclose(maps);
  return released;
}

// (folder): returns the bytes of the segments.
napi_value ReleaseMappedPages(napi_env env, napi_callback_info info) {
  double released = 0;
  dl_iterate_phdr(ReleaseObject, &released);
  napi_value folder;
  size_t count = 1, length = 0;
  char path[PATH_MAX];
  if (napi_get_cb_info(env, info, &count, &folder, nullptr, nullptr) == napi_ok && count == 1 &&
      napi_get_value_string_utf8(env, folder, path, sizeof path, &length) == napi_ok && length > 0) {
    released += ReleaseFolder(path, length);
  }
  napi_value result;
  return napi_create_double(env, released, &result) == napi_ok ? result : nullptr;
}

// (path): begins to load a library on a thread of its own. Another thread that loads the same library waits until it is
// loaded. If the system permits no further thread, nothing is loaded in advance.
napi_value OpenLibrary(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1, length = 0;
  char path[PATH_MAX];
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) == napi_ok && count == 1 &&
      napi_get_value_string_utf8(env, argument, path, sizeof path, &length) == napi_ok) {
    try {
      std::thread([path = std::string(path)] { dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL); }).detach();
    } catch (const std::exception&) {
    }
  }
  return nullptr;
}

// Blocks of 256 kB and more are mapped each by itself, and given back when they are freed: left to itself, glibc
// raises that limit to the largest block that was freed, and keeps the holes of photos in its heap.
napi_value GiveBackBlocks(napi_env env, napi_callback_info) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  malloc_trim(0);
#endif
  return nullptr;
}

// A page beyond the end of the file would end the process when it is read.
bool MapPages(char* place, const char* path, off_t from, size_t bytes) {
  const uintptr_t page = sysconf(_SC_PAGESIZE);
  if (reinterpret_cast<uintptr_t>(place) % page != 0 || from % page != 0) return false;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct stat status;
  const bool whole = fstat(file, &status) == 0 && status.st_size - from >= static_cast<off_t>(bytes);
  const bool mapped =
      whole && mmap(place, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, file, from) != MAP_FAILED;
  close(file);
  return mapped;
}

// (buffer, offset, path, offset in the file, bytes): puts the file's pages in place of the buffer's. The
// buffer's memory must be mapped by whole pages, as WebAssembly's is; what it held there is gone.
napi_value MapFile(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  size_t count = 5;
  void* data = nullptr;
  size_t length = 0;
  size_t path_length = 0;
  char path[PATH_MAX];
  double at = 0, from = 0, bytes = 0;
  bool mapped = false;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok && count == 5 &&
      napi_get_arraybuffer_info(env, arguments[0], &data, &length) == napi_ok &&
      napi_get_value_double(env, arguments[1], &at) == napi_ok &&
      napi_get_value_string_utf8(env, arguments[2], path, sizeof path, &path_length) == napi_ok &&
      path_length < sizeof path - 1 && napi_get_value_double(env, arguments[3], &from) == napi_ok &&
      napi_get_value_double(env, arguments[4], &bytes) == napi_ok && at >= 0 && from >= 0 &&
      bytes > 0 && at + bytes <= static_cast<double>(length)) {
    mapped = MapPages(static_cast<char*>(data) + static_cast<size_t>(at), path,
                      static_cast<off_t>(from), static_cast<size_t>(bytes));
  }
  napi_value result;
  return napi_get_boolean(env, mapped, &result) == napi_ok ? result : nullptr;
}

napi_value Init(napi_env env, napi_value exports) {
  napi_value release;
  napi_create_function(env, "releaseMappedPages", NAPI_AUTO_LENGTH, ReleaseMappedPages, nullptr, &release);
  napi_set_named_property(env, exports, "releaseMappedPages", release);
  napi_value give_back;
  napi_create_function(env, "giveBackBlocks", NAPI_AUTO_LENGTH, GiveBackBlocks, nullptr, &give_back);
  napi_set_named_property(env, exports, "giveBackBlocks", give_back);
  napi_value open_library;
  napi_create_function(env, "openLibrary", NAPI_AUTO_LENGTH, OpenLibrary, nullptr, &open_library);
  napi_set_named_property(env, exports, "openLibrary", open_library);
  napi_value map;
  napi_create_function(env, "mapFile", NAPI_AUTO_LENGTH, MapFile, nullptr, &map);
  napi_set_named_property(env, exports, "mapFile", map);
  return exports;
}

}  // namespace

NAPI_MODULE(mapped_pages, Init)

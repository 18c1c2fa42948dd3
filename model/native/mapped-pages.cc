// A Node-API addon of one function, which hands back the file pages that this process has mapped.
#include <elf.h>
#include <link.h>
#include <node_api.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

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

// Returns the bytes of the segments.
napi_value ReleaseMappedPages(napi_env env, napi_callback_info) {
  double released = 0;
  dl_iterate_phdr(ReleaseObject, &released);
  napi_value result;
  return napi_create_double(env, released, &result) == napi_ok ? result : nullptr;
}

napi_value Init(napi_env env, napi_value exports) {
  napi_value release;
  napi_create_function(env, "releaseMappedPages", NAPI_AUTO_LENGTH, ReleaseMappedPages, nullptr, &release);
  napi_set_named_property(env, exports, "releaseMappedPages", release);
  return exports;
}

}  // namespace

NAPI_MODULE(mapped_pages, Init)

// A file of filters as the tiles read them: written once on a machine, then mapped by all its processes, which share
// its pages. It ends with a checksum, since a machine may stop before all of it is on the disk.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "plan.h"

namespace {

// Of eight bytes at a time in four interleaved sums: the instruction takes three cycles, and one can begin in each.
__attribute__((target("sse4.2"))) inline uint64_t ChecksumOf(const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  uint64_t sums[4] = {1, 2, 3, 4};
  for (size_t left = bytes / 32; left > 0; left--, at += 32) {
    uint64_t words[4];
    memcpy(words, at, sizeof words);
    for (int lane = 0; lane < 4; lane++) sums[lane] = _mm_crc32_u64(sums[lane], words[lane]);
  }
  for (size_t left = bytes % 32; left > 0; left--, at++) sums[0] = _mm_crc32_u8(sums[0], *at);
  return (sums[0] ^ sums[2] << 7) << 32 | (sums[1] ^ sums[3]);
}

inline bool WriteAll(int file, const void* data, size_t bytes) {
  // Large writes let the file system keep large pages.
  constexpr size_t kMost = 8 << 20;
  for (const char* at = static_cast<const char*>(data); bytes > 0;) {
    const ssize_t written = write(file, at, std::min(bytes, kMost));
    if (written <= 0) return false;
    at += written;
    bytes -= written;
  }
  return true;
}

// Writes it under another name. The file then gets its own name, unless another process's file has that already.
inline void WriteKept(const std::string& path, const void* data, size_t bytes) {
  std::string part = path + ".XXXXXX";
  const int file = mkostemp(part.data(), O_CLOEXEC);
  if (file < 0) return;
  const uint64_t checksum = ChecksumOf(data, bytes);
  const bool written = WriteAll(file, data, bytes) && WriteAll(file, &checksum, sizeof checksum);
  if (close(file) == 0 && written && link(part.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    rename(part.c_str(), path.c_str());  // A file system without links.
  }
  unlink(part.c_str());
}

// The pages of a whole file. A damaged one is removed, so that another can be written.
// @returns nullptr where the file is absent, of another length or damaged
inline void* PagesOf(const std::string& path, size_t bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  struct stat status, now;
  uint64_t checksum = 0;
  bool damaged = false;
  void* pages = MAP_FAILED;
  if (fstat(file, &status) == 0) {
    damaged = static_cast<size_t>(status.st_size) != bytes + sizeof checksum;
    if (!damaged && pread(file, &checksum, sizeof checksum, bytes) == sizeof checksum) {
      pages = mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    }
  }
  if (pages != MAP_FAILED && ChecksumOf(pages, bytes) != checksum) {
    damaged = true;
    munmap(pages, bytes);
    pages = MAP_FAILED;
  }
  // Another process may have replaced it meanwhile.
  if (damaged && stat(path.c_str(), &now) == 0 && now.st_ino == status.st_ino && now.st_dev == status.st_dev) {
    unlink(path.c_str());
  }
  close(file);
  return pages == MAP_FAILED ? nullptr : pages;
}

// Memory of filters: this process's own until its file is mapped.
class KeptFilters {
 public:
  // `path`: the file's; if it is empty, there is no file.
  explicit KeptFilters(std::string path) : path_(std::move(path)) {}
  // @returns where whole pages of filters begin, with other numbers behind them
  float* Reserve(size_t filters, size_t others) {
    constexpr size_t kPage = 65536;
    bytes_ = (filters * sizeof(float) + kPage - 1) / kPage * kPage;
    memory_ = std::make_unique<Memory>(bytes_ / sizeof(float) + others);
    return memory_->data;
  }
  float* others() const { return memory_->data + bytes_ / sizeof(float); }
  // Whether `Publish` has something to do, once the memory is filled.
  bool CanPublish() const { return !mapped_ && !path_.empty(); }
  // Writes the file if no process has written it. Another thread may call it while the memory is read.
  // @returns the file's pages, for `Use`; nullptr where it cannot be written, such as on a full disk
  void* Publish() const {
    void* pages = PagesOf(path_, bytes_);
    if (pages != nullptr) return pages;
    WriteKept(path_, memory_->data, bytes_);
    return PagesOf(path_, bytes_);
  }
  // Puts the file's pages in the place of the memory's.
  // @returns whether the file is mapped; if not, the memory is as it was
  bool Use(void* pages) {
    if (mapped_ || mremap(pages, bytes_, bytes_, MREMAP_MAYMOVE | MREMAP_FIXED, memory_->data) == MAP_FAILED) {
      munmap(pages, bytes_);
      return mapped_;
    }
    return mapped_ = true;
  }
  // @returns whether its file is mapped
  bool Map() {
    void* pages = mapped_ || path_.empty() ? nullptr : PagesOf(path_, bytes_);
    return pages != nullptr ? Use(pages) : mapped_;
  }
  // They stay among the pages of the system's files.
  void GiveBackPages() const {
    if (mapped_) madvise(memory_->data, bytes_, MADV_DONTNEED);
  }

 private:
  const std::string path_;
  std::unique_ptr<Memory> memory_;
  size_t bytes_ = 0;
  bool mapped_ = false;
};

}  // namespace

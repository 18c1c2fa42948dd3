// A file of filters as the tiles read them: written once on a machine, then mapped by all its processes, which share
// its pages. It ends with a checksum, since a machine may stop before all of it is on the disk.
#pragma once

#include <fcntl.h>
#include <immintrin.h>
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

// Writes it under another name and renames it. @returns false where that is not possible, such as on a full disk
inline bool WriteKept(const std::string& path, const void* data, size_t bytes) {
  const std::string fresh = path + "." + std::to_string(getpid());
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const uint64_t checksum = ChecksumOf(data, bytes);
  bool written = WriteAll(file, data, bytes) && WriteAll(file, &checksum, sizeof checksum);
  written = close(file) == 0 && written && rename(fresh.c_str(), path.c_str()) == 0;
  if (!written) unlink(fresh.c_str());
  return written;
}

// Puts the file's pages in the place of others.
// @returns false where the file is absent, of another length or damaged; the place is then as it was
inline bool MapKept(const std::string& path, void* place, size_t bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct stat status;
  uint64_t checksum = 0;
  void* pages = MAP_FAILED;
  if (fstat(file, &status) == 0 && static_cast<size_t>(status.st_size) == bytes + sizeof checksum &&
      pread(file, &checksum, sizeof checksum, bytes) == sizeof checksum) {
    pages = mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
  }
  close(file);
  if (pages == MAP_FAILED) return false;
  const bool right = ChecksumOf(pages, bytes) == checksum &&
                     mremap(pages, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place) != MAP_FAILED;
  if (!right) munmap(pages, bytes);
  return right;
}

// Memory of filters: this process's own until its file is mapped.
class KeptFilters {
 public:
  // An empty path is none.
  explicit KeptFilters(std::string path) : path_(std::move(path)) {}
  // @returns where whole pages of filters begin, with other numbers behind them
  float* Reserve(size_t filters, size_t others) {
    constexpr size_t kPage = 65536;
    bytes_ = (filters * sizeof(float) + kPage - 1) / kPage * kPage;
    memory_ = std::make_unique<Memory>(bytes_ / sizeof(float) + others);
    return memory_->data;
  }
  float* others() const { return memory_->data + bytes_ / sizeof(float); }
  // Once the memory is filled. It may be read meanwhile.
  bool CanWrite() const { return !mapped_ && !path_.empty(); }
  bool Write() const { return WriteKept(path_, memory_->data, bytes_); }
  // @returns whether its file is mapped
  bool Map() { return mapped_ = mapped_ || (!path_.empty() && MapKept(path_, memory_->data, bytes_)); }
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

// AMX in software, for tests on processors without it: preloaded into a process, it grants the permission that the
// process asks for, and executes each AMX instruction at which the processor stops (SIGILL) as Intel's manual
// describes it. Whatever a real processor would refuse ends the process with a message.
#include <errno.h>
#include <immintrin.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { kRequestPermission = 0x1023, kTileData = 18 };

static __thread struct {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} configuration;
static __thread uint8_t tiles[8][16][64];
static __thread uint64_t products, loads, stores, configurations;

static void refuse(const char* why) {
  dprintf(2, "AMX emulator: %s\n", why);
  _exit(70);
}

static void require(int right, const char* why) {
  if (!right) refuse(why);
}

static void load_configuration(const void* from) {
  memcpy(&configuration, from, sizeof configuration);
  memset(tiles, 0, sizeof tiles);
  configurations++;
  require(configuration.palette == 1 && configuration.start == 0, "an unknown palette");
  for (int tile = 0; tile < 16; tile++) {
    const int rows = configuration.rows[tile], bytes = configuration.bytes[tile];
    require(tile < 8 ? rows <= 16 && bytes <= 64 && !rows == !bytes : rows + bytes == 0, "a tile of impossible size");
  }
}

static void move(int tile, char* memory, int64_t stride, int store) {
  require(configuration.palette == 1 && configuration.rows[tile] > 0, "a tile that is not configured");
  if (!store) memset(tiles[tile], 0, sizeof tiles[tile]);
  for (int row = 0; row < configuration.rows[tile]; row++, memory += stride) {
    if (store) memcpy(memory, tiles[tile][row], configuration.bytes[tile]);
    else memcpy(tiles[tile][row], memory, configuration.bytes[tile]);
  }
  store ? stores++ : loads++;
}

// TDPBF16PS: products of even and of odd numbers are summed apart, added, and then added to what is there. Rounded
// to nearest, ties to even; denormal numbers count as zero.
__attribute__((target("avx512f,avx512bw,avx512vl,fma"))) static void multiply(int sums, int a, int b) {
  const int rows = configuration.rows[sums], pairs = configuration.bytes[a] / 4;
  require(configuration.palette == 1 && sums != a && sums != b && a != b, "tiles that are not three");
  require(configuration.rows[a] == rows && configuration.rows[b] == pairs && configuration.bytes[a] % 4 == 0 &&
              configuration.bytes[b] == configuration.bytes[sums] && rows > 0 && pairs > 0,
          "tiles whose sizes do not fit");
  products++;
  const unsigned before = _mm_getcsr();
  _mm_setcsr(0x9fc0);  // flush to zero, denormals are zero, nearest, no exceptions
  const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
  for (int m = 0; m < rows; m++) {
    __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
    for (int k = 0; k < pairs; k++) {
      int pair;
      memcpy(&pair, tiles[a][m] + 4 * k, sizeof pair);
      const __m512i left = _mm512_set1_epi32(pair), right = _mm512_loadu_si512(tiles[b][k]);
      even = _mm512_fmadd_ps((__m512)_mm512_slli_epi32(left, 16), (__m512)_mm512_slli_epi32(right, 16), even);
      odd = _mm512_fmadd_ps((__m512)_mm512_and_si512(left, upper), (__m512)_mm512_and_si512(right, upper), odd);
    }
    const __m512 sum = _mm512_add_ps(_mm512_loadu_ps(tiles[sums][m]), _mm512_add_ps(even, odd));
    // Bytes beyond the configured ones stay zero, since those of the weights are.
    _mm512_storeu_ps(tiles[sums][m], sum);
  }
  _mm_setcsr(before);
}

// Address of [base + index * scale + displacement], and the length of what encodes it. An index is a stride.
static char* address_of(const greg_t* registers, const uint8_t* code, int x, int b, int64_t* stride, int* length) {
  static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  const int mode = code[0] >> 6, has_index = (code[0] & 7) == 4;
  int base = code[0] & 7, at = 1;
  *stride = 0;
  if (has_index) {
    const int scale = code[1] >> 6, index = (code[1] >> 3 & 7) | x << 3;
    base = code[1] & 7;
    if (index != 4) *stride = (int64_t)registers[order[index]] << scale;
    at = 2;
  }
  int64_t place = 0;
  int32_t far = 0;
  if (mode == 0 && base == 5) {
    memcpy(&far, code + at, 4);
    at += 4;
    require(has_index, "an address by the instruction's own");
    place = far;
  } else {
    if (mode == 1) far = (int8_t)code[at++];
    if (mode == 2) memcpy(&far, code + at, 4), at += 4;
    place = registers[order[base | b << 3]] + far;
  }
  *length = at;
  return (char*)place;
}

// Length of the instruction; 0 if it is none of AMX's.
static int execute(const greg_t* registers, const uint8_t* code) {
  // VEX of three bytes, the map 0F 38, W 0, 128 bits.
  if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0) return 0;
  const int x = !(code[1] & 0x40), b = !(code[1] & 0x20), prefix = code[2] & 3, third = ~code[2] >> 3 & 15;
  const int operation = code[3], modrm = code[4], tile = modrm >> 3 & 7, in_register = modrm >> 6 == 3;
  int64_t stride;
  int length;
  if (operation == 0x5c && prefix == 2 && in_register) {
    multiply(tile, modrm & 7, third);
    return 5;
  }
  if (operation == 0x49 && in_register) {
    if (prefix == 0 && modrm == 0xc0) memset(&configuration, 0, sizeof configuration);
    else if (prefix == 3) memset(tiles[tile], 0, sizeof tiles[tile]);
    else return 0;
    return 5;
  }
  if (in_register || (operation != 0x49 && operation != 0x4b)) return 0;
  char* memory = address_of(registers, code + 4, x, b, &stride, &length);
  if (operation == 0x4b && prefix != 0) move(tile, memory, stride, prefix == 2);
  else if (operation == 0x49 && prefix == 0) load_configuration(memory + stride);
  else if (operation == 0x49 && prefix == 1) memcpy(memory + stride, &configuration, sizeof configuration);
  else return 0;
  return 4 + length;
}

static void on_illegal(int signal_number, siginfo_t* info, void* context) {
  (void)info;
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  // Those that follow at once are executed too: a signal takes longer than they do.
  for (int done = 0;; done++) {
    const int length = execute(registers, (const uint8_t*)registers[REG_RIP]);
    if (length == 0 && done > 0) return;
    if (length == 0) {
      signal(signal_number, SIG_DFL);
      return;
    }
    registers[REG_RIP] += length;
  }
}

// What was executed so far, for the test's figures.
__attribute__((destructor)) static void report(void) {
  if (configurations == 0) return;
  dprintf(2, "AMX emulator: %lu products, %lu loads, %lu stores, %lu configurations\n", products, loads, stores,
          configurations);
}

// Node resets all signals when it starts, so the handler is set when the permission is asked for.
extern "C" long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int at = 0; at < 6; at++) a[at] = va_arg(list, long);
  va_end(list);
  if (number == SYS_arch_prctl && a[0] == kRequestPermission && a[1] == kTileData) {
    struct sigaction action = {};
    action.sa_sigaction = on_illegal;
    action.sa_flags = SA_SIGINFO;
    return sigaction(SIGILL, &action, NULL);
  }
  register long r10 asm("r10") = a[3];
  register long r8 asm("r8") = a[4];
  register long r9 asm("r9") = a[5];
  long answer;
  asm volatile("syscall"
               : "=a"(answer)
               : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  if (answer >= 0 || answer < -4095) return answer;
  errno = (int)-answer;
  return -1;
}

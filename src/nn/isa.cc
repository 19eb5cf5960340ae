#include "nn/isa.h"

#include <cstdlib>
#include <string>

#include "nn/kernel_table.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sotto {
namespace {

constexpr Isa kAllIsas[] = {Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512, Isa::kAmx};

#if defined(__x86_64__)
bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
}
// The processor has tiles, the system saves them, and it lets this process use them (Linux asks for that).
bool HasAmx() {
#if defined(__linux__)
  if (!HasAvx512()) return false;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  constexpr uint32_t kBf16TilesInt8 = 1u << 22 | 1u << 24 | 1u << 25;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kBf16TilesInt8) != kBf16TilesInt8) return false;
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

}  // namespace

std::string_view IsaName(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kNeon:
      return "neon";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAmx:
      return "amx";
  }
  return "unknown";
}

std::optional<Isa> IsaFromName(std::string_view name) {
  for (const Isa isa : kAllIsas) {
    if (IsaName(isa) == name) return isa;
  }
  return std::nullopt;
}

std::vector<Isa> SupportedIsas() {
  std::vector<Isa> isas{Isa::kScalar};
#if defined(__x86_64__)
  if (HasAvx2()) isas.push_back(Isa::kAvx2);
  if (HasAvx512()) isas.push_back(Isa::kAvx512);
  if (HasAmx()) isas.push_back(Isa::kAmx);
#elif defined(__aarch64__)
  isas.push_back(Isa::kNeon);
#endif
  std::erase_if(isas, [](Isa isa) { return KernelsOf(isa) == nullptr; });
  return isas;
}

Result<Isa> ChooseIsa() {
  const std::vector<Isa> supported = SupportedIsas();
  const char* forced = std::getenv("SOTTO_ISA");
  if (forced == nullptr || *forced == '\0') return supported.back();
  std::string names;
  for (const Isa isa : supported) names += (names.empty() ? "" : ", ") + std::string(IsaName(isa));
  const std::optional<Isa> isa = IsaFromName(forced);
  if (!isa) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "SOTTO_ISA: '{}' is no instruction set; this machine runs {}", forced, names);
  }
  for (const Isa candidate : supported) {
    if (candidate == *isa) return *isa;
  }
  return MakeError(ErrorCode::kUnsupported, "SOTTO_ISA: this machine does not run '{}'; it runs {}", forced,
                   names);
}

const KernelTable* KernelsOf(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return &ScalarKernels();
#if defined(__aarch64__)
    case Isa::kNeon:
      return &ScalarKernels();
#endif
#if defined(__x86_64__)
    case Isa::kAvx2:
      return &Avx2Kernels();
    case Isa::kAvx512:
      return &Avx512Kernels();
    case Isa::kAmx:
      return &AmxKernels();
#endif
    default:
      return nullptr;
  }
}

}  // namespace sotto

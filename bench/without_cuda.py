"""Lets PyTorch's wheel for Linux load without the 3 GB of CUDA libraries that it names but a CPU never calls:
each absent one gets an empty stand-in that only has the names the loader looks for. Needs cc, nm and ldd."""
import glob
import os
import re
import subprocess
import sysconfig
import tempfile

# What these libraries' names begin with.
FOREIGN = re.compile(r"(cu(blas|dnn|fft|File|pti|solver|sparse|da)|nccl|nvrtc|nvshmem|nvml|nvJit)")

folder = os.path.join(sysconfig.get_paths()["purelib"], "torch", "lib")
libraries = glob.glob(os.path.join(folder, "lib*.so"))


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def absent():
    return sorted(set(re.findall(r"(\S+) => not found", said("ldd", *libraries))))


def wanted():
    """Names by the version they are asked for in: most name their library, some name none."""
    names = {}
    for word in re.findall(r"\sU (\S+)", said("nm", "-D", "--undefined-only", *libraries)):
        name, _, version = word.partition("@")
        if FOREIGN.match(name):
            names.setdefault(version.lstrip("@"), set()).add(name)
    return names


def make(library, version, names):
    with tempfile.TemporaryDirectory() as work:
        source, script = os.path.join(work, "names.c"), os.path.join(work, "version")
        with open(source, "w") as file:
            file.writelines(f"void {name}(void) {{}}\n" for name in sorted(names))
        with open(script, "w") as file:
            file.write(f"{version or 'NONE'} {{ *; }};\n")
        versioned = [f"-Wl,--version-script={script}"] if version else []
        out = os.path.join(folder, library)
        subprocess.run(
            ["cc", "-shared", "-fPIC", f"-Wl,-soname,{library}", *versioned, "-o", out, source],
            check=True,
        )


names = wanted()
for library in absent():
    stem = library.split(".")[0].removeprefix("lib")
    version = next((v for v in names if v and (v == library or stem.upper().startswith(v))), "")
    make(library, version, names.get(version, set()))

"""What a file is that people take for weights, and what to do with it."""

from __future__ import annotations

import io
import zipfile

_ITS_WEIGHTS = "torch.save(network.state_dict(), 'weights.pt')"
_STARTS = (
    (b"\x93NUMPY", "a NumPy array (.npy); a file of weights has a name for each array"),
    (b"\x89HDF", "an HDF5 file, such as Keras writes; save its arrays by name with safetensors.numpy.save_file"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`"),
    (b"\x1f\x8b", "compressed by gzip; decompress it first (gunzip)"),
    (b"BZh", "compressed by bzip2; decompress it first (bunzip2)"),
    (b"\xfd7zXZ", "compressed by xz; decompress it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd; decompress it first (unzstd)"),
    (b"\x78\x01", "compressed by zlib, as joblib does; {joblib}"),
    (b"\x78\x5e", "compressed by zlib, as joblib does; {joblib}"),
    (b"\x78\x9c", "compressed by zlib, as joblib does; {joblib}"),
    (b"\x78\xda", "compressed by zlib, as joblib does; {joblib}"),
    (b"\x08\x07\x12\x07pytorch", "an ONNX model; load the network that it was exported from, and {save}"),
)
_JOBLIB = "load it with joblib where you trust it, and save the network with " + _ITS_WEIGHTS
_TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def other_kind(data: bytes) -> str | None:
    """What a file is, if it is known and is neither a torch nor a safetensors file; None otherwise."""
    if data[:2] == b"PK":
        return _archive(data)
    if data[:1] == b"\x80":
        return _pickle(data)
    for start, words in _STARTS:
        if data.startswith(start):
            return words.format(joblib=_JOBLIB, save=f"save its weights with {_ITS_WEIGHTS}")
    if data[257:262] == b"ustar":
        return "a tar archive; unpack it first (tar xf)"
    head = data[:256].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "a page of HTML, which a download gives instead of a file that it could not find"
    if head.startswith((b"{", b"[")):
        return "JSON; of a checkpoint folder, give the folder or its model.safetensors"
    return None


def _archive(data: bytes) -> str | None:
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except Exception:  # a damaged archive: zipfile raises whatever it meets
        return None
    inner = {name.partition("/")[2] for name in names}
    if "policy.pth" in names and "data" in names:
        return (
            "a model of Stable-Baselines3, whose weights are in policy.pth within the archive: `unzip FILE policy.pth` "
            "(they can be read if their network is one of the known ones)"
        )
    if "constants.pkl" in inner:
        return f"a TorchScript program; load it with torch.jit.load where you trust it, and save {_ITS_WEIGHTS}"
    if names and all(name.endswith(".npy") for name in names):
        return (
            "a NumPy archive (.npz); save its arrays with safetensors.numpy.save_file(dict(numpy.load(FILE)), "
            "'weights.safetensors')"
        )
    if "model.weights.h5" in names:
        return "a Keras model; save its arrays by name with safetensors.numpy.save_file"
    if "data.pkl" in inner:
        return None
    listed = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    return f"a zip archive, but not one of torch's; it holds {listed or 'nothing'}"


def _pickle(data: bytes) -> str | None:
    if _TORCH_MAGIC in data[:32]:
        return None
    if b"joblib" in data[:4096] or b"NumpyArrayWrapper" in data[:4096]:
        return f"a pickle of joblib, which may carry code and is not read; {_JOBLIB}"
    return None

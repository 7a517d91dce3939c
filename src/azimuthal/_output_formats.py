# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The table of the output formats: without NumPy, so that help texts may be made of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """One output format.

    Parameters
    ----------
    name:
        What ``save(..., format=)`` takes.
    extensions:
        File name extensions, lower case.
    location:
        Where the writer is, ``"module:function"``.
    about:
        One line for help texts.
    options:
        Names of the options that the writer takes.
    holds_cakes:
        Whether it can hold a cake.
    holds_many:
        Whether one file can hold several results.
    holds_profiles:
        Whether it can hold a profile.
    read_by:
        Programs whose rules it follows.
    axis:
        Which units of the axis it takes.
    lacks:
        What of a result it has no place for.
    holds_sets:
        Whether it can hold the several results of one frame (a ResultSet).
    """

    name: str
    extensions: tuple[str, ...]
    location: str
    about: str
    options: tuple[str, ...] = ()
    holds_cakes: bool = False
    holds_many: bool = False
    holds_profiles: bool = True
    read_by: str = ""
    axis: str = "any"
    lacks: str = ""
    holds_sets: bool = False


_SUMS = "edges, sums, counts, covariance, rejected pixels"
_NO_ERRORS = f"uncertainties, {_SUMS}"
FORMATS = (
    Format(
        "xy",
        (".xy",),
        "text:write_xy",
        "two columns: x, intensity",
        ("header", "empty_bins"),
        read_by="anything",
        lacks=_NO_ERRORS,
    ),
    Format(
        "dat",
        (".dat",),
        "text:write_dat",
        "three columns: x, intensity, sigma",
        ("header", "empty_bins"),
        read_by="RAW, ATSAS, PRIMUS, anything",
        lacks=_SUMS,
    ),
    Format(
        "xye",
        (".xye",),
        "text:write_xye",
        "powder pattern: 2theta in degrees, intensity, esd",
        ("header",),
        read_by="TOPAS, FullProf, GSAS-II",
        axis="converted to 2theta in degrees",
        lacks=_SUMS,
    ),
    Format(
        "chi",
        (".chi",),
        "text:write_chi",
        "Fit2D: four header lines, two columns",
        read_by="xPDFSuite, PDFgetX, Fit2D, Dioptas",
        lacks=_NO_ERRORS,
    ),
    Format(
        "fxye",
        (".fxye",),
        "gsas:write_fxye",
        "GSAS: constant step, centidegrees, intensity, esd",
        ("header",),
        read_by="GSAS, GSAS-II",
        axis="constant step of 2theta",
        lacks=_SUMS,
    ),
    Format(
        "gsas-esd",
        (".gsa", ".gda"),
        "gsas:write_esd",
        "GSAS: constant step, five pairs of intensity and esd a record",
        ("header",),
        read_by="GSAS, GSAS-II",
        axis="constant step of 2theta",
        lacks=f"digits beyond eight columns, {_SUMS}",
    ),
    Format(
        "xrdml",
        (".xrdml",),
        "xrdml:write_xrdml",
        "PANalytical XML: constant step of 2theta, intensity",
        read_by="HighScore, MAUD",
        axis="constant step of 2theta, no empty bin",
        lacks=_NO_ERRORS,
    ),
    Format(
        "esg",
        (".esg",),
        "esg:write_esg",
        "MAUD: one block of 2theta and intensity per azimuth",
        ("distance", "omega", "chi", "phi"),
        holds_cakes=True,
        read_by="MAUD, MILK",
        axis="converted to 2theta in degrees",
        lacks=_NO_ERRORS,
    ),
    Format(
        "pdfgetx",
        (".pdfgetx.xy",),
        "pdfgetx:write_pdfgetx",
        "two columns, with what PDFgetX3 has to be told about them",
        read_by="PDFgetX3, xPDFSuite",
        axis="q_A^-1, q_nm^-1, 2th_deg",
        lacks=_NO_ERRORS,
    ),
    Format(
        "sasview",
        (".sasview.txt",),
        "sasview:write_sasview",
        "Q in 1/angstrom, intensity, sigma",
        read_by="SasView",
        axis="q, converted to 1/angstrom",
        lacks=_SUMS,
    ),
    Format(
        "nxcansas",
        (".cansas.h5",),
        "cansas:write_cansas",
        "NeXus HDF5 (NXcanSAS): I(q) with uncertainties",
        ("intensity_unit", "title"),
        holds_many=True,
        read_by="SasView, Igor, Mantid",
        axis="q_A^-1, q_nm^-1",
        lacks=_SUMS,
    ),
    Format(
        "nxmonopd",
        (".monopd.h5",),
        "monopd:write_monopd",
        "NeXus HDF5 (NXmonopd): powder pattern over 2theta in degrees",
        ("instrument", "source", "title", "sample", "start_time", "rotation_angle"),
        read_by="NeXus readers",
        axis="converted to 2theta in degrees",
        lacks=_SUMS,
    ),
    Format(
        "csv",
        (".csv",),
        "text:write_csv",
        "table with one header row and all columns",
        (),
        holds_cakes=True,
        holds_many=True,
        read_by="spreadsheets, pandas",
        lacks="metadata, provenance, covariance, rejected pixels",
    ),
    Format(
        "parquet",
        (".parquet",),
        "parquet:write_parquet",
        "table with all columns, units and metadata (pyarrow)",
        (),
        holds_cakes=True,
        holds_many=True,
        read_by="pandas, polars, DuckDB",
        lacks="covariance, rejected pixels",
    ),
    Format(
        "npz",
        (".npz",),
        "archive:write_npz",
        "NumPy archive with everything",
        ("compressed", "failures"),
        holds_cakes=True,
        holds_many=True,
        read_by="NumPy, load_result()",
        lacks="mask of rejected pixels",
    ),
    Format(
        "netcdf",
        (".nc",),
        "labelled:write_netcdf",
        "netCDF-4 by xarray with everything (h5netcdf)",
        (),
        holds_cakes=True,
        holds_many=True,
        read_by="xarray, netCDF programs",
        lacks="mask of rejected pixels",
    ),
    Format(
        "zarr",
        (".zarr.zip",),
        "labelled:write_zarr",
        "Zarr by xarray with everything, one zip file (zarr)",
        (),
        holds_cakes=True,
        holds_many=True,
        read_by="xarray, zarr",
        lacks="mask of rejected pixels",
    ),
    Format(
        "edf",
        (".edf",),
        "cake_images:write_edf",
        "cake as an image, axes in the header; sigma in a file beside it",
        ("empty",),
        holds_cakes=True,
        holds_profiles=False,
        read_by="fabio, silx view, Fit2D",
        lacks=f"float64, {_SUMS}",
    ),
    Format(
        "tiff",
        (".tif", ".tiff"),
        "cake_images:write_tiff",
        "cake as an image, axes in ImageDescription; sigma in a file beside it",
        ("empty",),
        holds_cakes=True,
        holds_profiles=False,
        read_by="any image program, fabio, tifffile",
        lacks=f"float64, {_SUMS}",
    ),
    Format(
        "nxazint",
        (".h5", ".hdf5", ".nxs"),
        "nxazint:write_nxazint",
        "NeXus HDF5 (NXazint1d, NXazint2d) with everything",
        ("compression", "n_frames", "instrument", "source", "title", "failures"),
        holds_cakes=True,
        holds_many=True,
        read_by="silx view, h5web, xarray, GSAS-II, load_result()",
        lacks="mask of rejected pixels",
        holds_sets=True,
    ),
)

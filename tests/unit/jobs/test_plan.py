"""Which files are read and written, and that nothing is overwritten: settled before any work."""

import sys
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from unit_harness.privileges import permissions_count

from gpen_core.errors import ImageError, OptionError
from gpen_core.jobs.job import is_moving
from gpen_core.jobs.places import place
from gpen_core.jobs.plan import Earlier, Output, plan_jobs, remove_faces, results_folder
from gpen_core.jobs.sources import Source, find_pictures


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def names(found, folder):
    return [source.path.relative_to(folder).as_posix() for source in found.sources]


def targets(jobs, folder):
    return [job.target.relative_to(folder).as_posix() for job in jobs]


def test_folders_within_folders_are_said_or_kept_as_they_are(tmp_path):
    folder = make(tmp_path / "in", "b.jpg", "a.png", "trip/day 1/c.webp", "trip/d.TIF", "empty/notes.txt")
    found = find_pictures([str(folder)])
    assert names(found, folder) == ["a.png", "b.jpg"] and found.passed_over == ((str(folder), 1),)
    found = find_pictures([str(folder)], recursive=True)
    assert names(found, folder) == ["a.png", "b.jpg", "trip/d.TIF", "trip/day 1/c.webp"] and not found.passed_over
    jobs, _ = plan_jobs(found.sources, Output(str(tmp_path / "out")))
    assert targets(jobs, tmp_path / "out") == ["a.png", "b.jpg", "trip/d.TIF", "trip/day 1/c.webp"]


def test_a_folder_of_folders_alone_says_what_to_add(tmp_path):
    folder = make(tmp_path / "in", "trip/a.png")
    with pytest.raises(ImageError, match=r"Add --recursive"):
        find_pictures([str(folder)])


def test_hidden_files_and_other_systems_companions_are_no_pictures(tmp_path):
    make(tmp_path, "#recycle/c.png", "@Recycle/d.png", "$RECYCLE.BIN/e.png")
    folder = make(tmp_path, "a.jpg", "._a.jpg", ".hidden.png", "__MACOSX/a.jpg", "@eaDir/a.jpg", ".trash/b.png")
    assert names(find_pictures([str(folder)], recursive=True), folder) == ["a.jpg"]


@pytest.mark.parametrize("recursive", [True, False])
def test_results_within_a_folder_that_is_searched_are_no_sources(tmp_path, recursive):
    folder = make(tmp_path / "in", "a.png", "trip/b.png", "trip/done/a.png", "trip/done/trip/b.png", "done/other.png")
    found = find_pictures([str(folder)], recursive=recursive, output=folder / "trip" / "done")
    assert names(found, folder) == ["a.png", "done/other.png", "trip/b.png"] if recursive else ["a.png"]
    assert (found.results, found.passed_over) == ((2, ()) if recursive else (0, ((str(folder), 2),)))
    jobs, _ = plan_jobs(found.sources, Output(str(folder / "trip" / "done"), skip_existing=True))
    assert targets(jobs, folder / "trip" / "done") == ["done/other.png"] * recursive
    assert find_pictures([str(folder)], output=folder).sources == find_pictures([str(folder)]).sources


@pytest.mark.parametrize("pattern", ["in/**/*.png", "in/*/*.png", "i*/**/*.png", "in/done/**/*.png"])
def test_results_that_fit_a_pattern_are_no_sources(tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(make(tmp_path, "in/trip/b.png", "in/done/b.png"))
    found = find_pictures([pattern], output=Path("in/done"))
    if pattern.startswith("in/done"):  # it is asked for by its name
        assert (names(found, Path("in")), found.results) == (["done/b.png"], 0)
    else:
        assert (names(found, Path("in")), found.results) == (["trip/b.png"], 1)


def test_results_within_a_store_are_no_sources():
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").store.clear()
    for name in ("in/a.png", "in/done/a.png"):
        fsspec.filesystem("memory").pipe_file(f"/{name}", b"")
    found = find_pictures(["memory://in"], recursive=True, output=place("memory://in/done"))
    assert [str(source.path) for source in found.sources] == ["memory://in/a.png"] and found.results == 1
    fsspec.filesystem("memory").pipe_file("/in/b/a.png", b"")
    found = find_pictures(["memory://in/*/*.png"], output=place("memory://in/done"))
    assert [str(source.path) for source in found.sources] == ["memory://in/b/a.png"] and found.results == 1


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_link_that_leads_back_is_not_followed(tmp_path):
    folder = make(tmp_path / "in", "a.png")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    assert names(find_pictures([str(folder)], recursive=True), folder) == ["a.png"]


@pytest.mark.parametrize("name", ["photo[1].png", "100% *sure*.png", "~me.png", "ünï 'quoted'.png", "-o.png"])
def test_special_characters_are_only_characters(tmp_path, name):
    folder = make(tmp_path / "set [2024] {a,b}", name)
    assert names(find_pictures([str(folder / name)]), folder) == [name]
    assert names(find_pictures([str(folder)]), folder) == [name]
    assert names(find_pictures([str(folder / "*.png")]), folder) == [name]


def test_a_home_that_nobody_has_is_no_error_of_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(make(tmp_path, "~nobody-by-this-name/a.png"))
    assert len(find_pictures(["~nobody-by-this-name"]).sources) == 1
    with pytest.raises(ImageError, match=r"'~nobody-at-all/a.png': no image found"):
        find_pictures(["~nobody-at-all/a.png"])


def test_two_sources_of_one_name_get_two_names(tmp_path):
    make(tmp_path, "x/a.bmp", "y/a.png", "y/A.PNG", "z/a-2.png")
    sources = [Source(tmp_path / name) for name in ("x/a.bmp", "y/a.png", "y/A.PNG", "z/a-2.png")]
    jobs, _ = plan_jobs(sources, Output(str(tmp_path / "out")))
    assert targets(jobs, tmp_path / "out") == ["a.png", "a-2.png", "A-3.PNG", "a-2-2.png"]


@given(st.lists(st.sampled_from(["a.png", "a.bmp", "A.jpg", "a-2.png", "b.webp"]), min_size=1, max_size=8))
def test_no_two_results_share_a_name(found):
    sources = [Source(Path(f"/nowhere/{number}/{name}")) for number, name in enumerate(found)]
    jobs, _ = plan_jobs(sources, Output("unlikely-output-folder", format="png"))
    assert len({str(job.target).lower() for job in jobs}) == len(sources)


@pytest.mark.parametrize("left", ["a.png", "a.png-side-by-side.png", "a.png-faces/00-before.png"])
def test_nothing_is_overwritten_unasked_side_products_included(tmp_path, left):
    sources, out = [Source(make(tmp_path, "a.png") / "a.png")], make(tmp_path / "out", left)
    asked = {"side_by_side": True, "save_faces": True}
    with pytest.raises(ImageError, match=r"is already there. Add --overwrite"):
        plan_jobs(sources, Output(str(out), **asked))
    assert len(plan_jobs(sources, Output(str(out), overwrite=True, **asked))[0]) == 1


def test_a_long_folder_is_resumed_by_what_is_there(tmp_path):
    make(tmp_path, "a.png", "b.png", "out/a.png")
    sources = find_pictures([str(tmp_path)]).sources
    jobs, done = plan_jobs(sources, Output(str(tmp_path / "out"), skip_existing=True))
    assert targets(jobs, tmp_path / "out") == ["b.png"] and done == 1


ALL = ("a.png", "a.png-side-by-side.png", "a.png-faces")


@pytest.mark.parametrize("there", [combination for count in range(4) for combination in combinations(ALL, count)])
def test_of_a_result_and_what_is_beside_it_only_what_is_missing_is_made(tmp_path, there):
    out = tmp_path / "out"
    make(tmp_path, "a.png", *(f"out/{name}" for name in there if "faces" not in name))
    (out / "a.png-faces").mkdir(parents=True) if "a.png-faces" in there else None
    asked = Output(f"{out}/", skip_existing=True, side_by_side=True, save_faces=True)
    jobs, done = plan_jobs([Source(tmp_path / "a.png")], asked)
    assert [path.name for job in jobs for path in job.written] == [name for name in ALL if name not in there]
    assert done == (there == ALL)


def test_what_was_not_asked_for_is_not_missing(tmp_path):
    make(tmp_path, "a.png", "out/a.png")
    assert plan_jobs([Source(tmp_path / "a.png")], Output(f"{tmp_path}/out/", skip_existing=True)) == ([], 1)


@pytest.mark.parametrize("skip_existing", [True, False])
def test_beside_what_an_earlier_run_did_what_is_missing_is_made(tmp_path, skip_existing):
    make(tmp_path, "a.png", "b.png", "out/a.png", "out/b.png", "out/b.png-side-by-side.png")
    did = frozenset(str(tmp_path / "out" / name) for name in ("a.png", "b.png"))
    asked = Output(f"{tmp_path}/out/", skip_existing=skip_existing, side_by_side=True)
    jobs, done = plan_jobs(find_pictures([str(tmp_path)]).sources, asked, Earlier(did, did))
    assert [job.written for job in jobs] == [(tmp_path / "out" / "a.png-side-by-side.png",)] and done == 1


def test_a_finished_picture_beside_which_nothing_is_asked_for_is_not_opened(tmp_path, monkeypatch):
    make(tmp_path, "a.webp", "out/a.webp")
    monkeypatch.setattr("gpen_core.jobs.plan.is_moving", lambda job: pytest.fail(f"{job.source} is opened"))
    asked = Output(f"{tmp_path}/out/", skip_existing=True)
    assert plan_jobs([Source(tmp_path / "a.webp")], asked) == ([], 1)


def test_an_animation_has_nothing_beside_it_that_could_be_missing(tmp_path):
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 200)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    make(tmp_path, "out/a.webp")
    asked = Output(f"{tmp_path}/out/", skip_existing=True, side_by_side=True)
    assert plan_jobs([Source(tmp_path / "a.webp")], asked) == ([], 1)


@pytest.mark.parametrize("output", [Output("a.png"), Output("b.png", side_by_side=True), Output(".", overwrite=True)])
def test_no_input_is_ever_overwritten(tmp_path, monkeypatch, output):
    monkeypatch.chdir(make(tmp_path, "a.png", "b.png-side-by-side.png"))
    first = "a.png" if not output.side_by_side else "b.png-side-by-side.png"
    with pytest.raises(ImageError, match=r"is (the input itself|another input), and would be overwritten"):
        plan_jobs([Source(Path(first))], output)


def test_an_unknown_ending_is_said_and_makes_no_folder(tmp_path):
    source = Source(make(tmp_path, "a.png") / "a.png")
    with pytest.raises(
        ImageError, match=r"cannot write '.jepg' files. Choose one of png, .*end the name of a folder with '/'"
    ):
        plan_jobs([source], Output(str(tmp_path / "out.jepg")))
    for folder in ("results.v2", "out.jepg/"):
        jobs, _ = plan_jobs([source], Output(f"{tmp_path}/{folder}"))
        assert jobs[0].target == Path(f"{tmp_path}/{folder}") / "a.png"


def test_a_picture_is_one_source_however_it_is_named(tmp_path, monkeypatch):
    make(tmp_path, "in/a.png", "in/sub/b.png")
    monkeypatch.chdir(tmp_path)
    asked = ["in/a.png", "in/../in/a.png", str(tmp_path / "in" / "a.png"), "in", "in/sub/.."]
    assert [source.path for source in find_pictures(asked).sources] == [Path("in/a.png")]


def test_a_pattern_leaves_out_what_other_systems_put_beside_pictures(tmp_path):
    make(tmp_path, "in/a.png", "in/@eaDir/a.png", "in/sub/__MACOSX/b.png", "in/sub/c.png")
    found = find_pictures([f"{tmp_path}/in/**/*.png"]).sources
    assert [source.path.name for source in found] == ["a.png", "c.png"]
    assert len(find_pictures([f"{tmp_path}/in/@eaDir/*.png"]).sources) == 1


def test_a_file_for_several_results_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"is one file, but there are 2 images"):
        plan_jobs([Source(Path("a.png")), Source(Path("b.png"))], Output(str(tmp_path / "out.png")))


def test_a_format_is_for_all_and_known(tmp_path):
    jobs, _ = plan_jobs([Source(Path("a.png")), Source(Path("b.bmp"))], Output(str(tmp_path), format="webp"))
    assert targets(jobs, tmp_path) == ["a.webp", "b.webp"]
    with pytest.raises(OptionError, match=r"cannot write 'bmp' files"):
        Output(str(tmp_path), format="bmp")
    with pytest.raises(OptionError, match=r"--format gif: no result can be of it, since no source is an animation"):
        plan_jobs([Source(Path("a.png")), Source(Path("b.mp4"))], Output(str(tmp_path), format="gif"))
    with pytest.raises(OptionError, match=r"--format mkv: .* no source is a clip"):
        plan_jobs([Source(Path("a.png")), Source(Path("b.bmp"))], Output(str(tmp_path), format="mkv"))
    with pytest.raises(OptionError, match=r"--format jpg: .* no source is a single image"):
        plan_jobs([Source(Path("a.mp4"))], Output(str(tmp_path), format="jpg"))
    jobs, _ = plan_jobs([Source(Path("a.png")), Source(Path("b.mp4"))], Output(str(tmp_path), format="mkv"))
    assert targets(jobs, tmp_path) == ["a.png", "b.mkv"]


def test_what_moves_becomes_what_can_move_and_a_still_gif_a_picture(tmp_path):
    pictures = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    for name in ("moving.gif", "moving.webp"):
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:])
    pictures[0].save(tmp_path / "still.gif")
    sources = [Source(tmp_path / name) for name in ("moving.gif", "moving.webp", "still.gif")]

    def planned(asked):
        return targets(plan_jobs(sources, Output(f"{tmp_path}/out/", format=asked))[0], tmp_path / "out")

    assert planned("") == ["moving.gif", "moving.webp", "still.png"]
    assert planned("webp") == ["moving.webp", "moving-2.webp", "still.webp"]
    assert planned("gif") == ["moving.gif", "moving-2.gif", "still.gif"]
    assert planned("jpg") == ["moving.gif", "moving.webp", "still.jpg"]
    assert planned("mp4") == ["moving.mp4", "moving.webp", "still.mp4"]
    for source, name in ((sources[0], "a.jpg"), (sources[1], "a.jpg"), (sources[1], "a.mp4")):
        with pytest.raises(ImageError, match=r"holds several images: name the result like a file that can"):
            plan_jobs([source], Output(str(tmp_path / name)))
    both = Output(f"{tmp_path}/out/", side_by_side=True)
    jobs = plan_jobs(sources, both)[0]
    assert [is_moving(job) for job in jobs] == [True, True, False]
    assert jobs[0].pair is None and jobs[2].pair is not None


def test_what_contradicts_itself_or_cannot_be_a_name_is_said_before_the_work(tmp_path):
    source = Source(Path("a.png"))
    with pytest.raises(OptionError, match=r"--format jpg, but .* is named otherwise"):
        plan_jobs([source], Output(str(tmp_path / "out.png"), format="jpg"))
    assert plan_jobs([source], Output(str(tmp_path / "out.JPEG"), format="jpg"))[0]
    long = Source(Path("é" * 122 + ".png"))
    assert plan_jobs([long], Output(f"{tmp_path}/out/"))[0]
    with pytest.raises(ImageError, match=r"is longer than a file's name can be"):
        plan_jobs([long], Output(f"{tmp_path}/out/", side_by_side=True))
    make(tmp_path, "noending")
    with pytest.raises(ImageError, match=r"is no folder, and has no ending"):
        plan_jobs([source], Output(str(tmp_path / "noending")))


@pytest.mark.parametrize("asked", [{}, {"overwrite": True}, {"skip_existing": True}])
def test_an_endless_name_is_said_where_the_folder_is_there_too(tmp_path, asked):
    """There, the system would be asked for the file first."""
    make(tmp_path, "out/noending")
    long = Source(Path("é" * 122 + ".png"))
    with pytest.raises(ImageError, match=r"is longer than a file's name can be. Rename the input"):
        plan_jobs([long], Output(f"{tmp_path}/out/", side_by_side=True, **asked))
    for typed in ("n" * 252 + ".png", "n" * 300, "n" * 300 + "/", "n" * 300 + "/a.png"):
        with pytest.raises(ImageError, match=r"is longer than a file's name can be. Give a shorter one with -o"):
            plan_jobs([Source(Path("a.png"))], Output(f"{tmp_path}/out/{typed}", **asked))
        with pytest.raises(ImageError, match=r"is longer than a file's name can be"):
            results_folder(f"{tmp_path}/out/{typed}")


def test_an_endless_input_is_missing_and_stops_no_other(tmp_path):
    make(tmp_path, "a.png")
    endless = [f"{tmp_path}/{'n' * 300}.png", "~" + "n" * 300, f"{tmp_path}/{'n' * 300}/*.png"]
    found = find_pictures([*endless, str(tmp_path / "a.png")])
    assert names(found, tmp_path) == ["a.png"] and found.missing == tuple(endless)
    for text in endless:
        with pytest.raises(ImageError, match=r"is longer than a file's name can be. Give the name of an image"):
            find_pictures([text])


def test_a_folder_that_may_not_be_written_to_is_said_before_the_work(tmp_path):
    tmp_path.chmod(0o500)
    with permissions_count(), pytest.raises(ImageError, match=r"may not be written to"):
        plan_jobs([Source(Path("a.png"))], Output(str(tmp_path / "out")))


def test_an_output_below_a_file_is_said_before_the_work(tmp_path):
    make(tmp_path, "out")
    with pytest.raises(ImageError, match=r"is a file, not a folder"):
        plan_jobs([Source(Path("a.png"))], Output(str(tmp_path / "out" / "more") + "/"))


def test_faces_of_an_earlier_run_go_and_other_files_stay(tmp_path):
    make(tmp_path, "00-before.png", "00-after.png", "07-after.png", "mine.png")
    remove_faces(tmp_path, ["00-after.png"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00-after.png", "mine.png"]

"""Addresses behave as paths do, and files behind them are found, planned and restored as files of this machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpen_core.errors import ImageError, OptionError
from gpen_core.imaging.files import load_picture
from gpen_core.jobs import FileOptions, Job, Output, ToolOptions, find_pictures, load_tools, plan_jobs, restore_job
from gpen_core.jobs.places import Address, is_address, place
from gpen_core.jobs.plan import Earlier
from gpen_core.jobs.staging import staged

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def store():
    """fsspec's files in memory, emptied."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    return system


def put(store, *names, content=b"x"):
    for name in names:
        store.pipe_file(name, content)


@given(st.lists(st.text("abc. -ä", min_size=1).filter(lambda part: part.strip(". ")), min_size=1, max_size=4))
def test_an_address_comes_back_as_it_was_written(parts):
    for start in ("s3://bucket/", "memory://", "local:///"):
        text = start + "/".join(parts)
        assert str(Address(text.replace(":///", ":|/", 1))) == text


def test_only_what_names_a_scheme_is_an_address(tmp_path):
    assert is_address("s3://bucket/a.png") and not is_address("C:\\a.png") and not is_address(str(tmp_path))
    assert place("file:///data/a.png") == Path("/data/a.png") and place("a/b") == Path("a/b")
    with pytest.raises(OptionError, match="nothing://"):
        place("nothing://a")


def test_names_of_an_address_are_a_paths(store):
    photo = place("memory://archive/1931/a.jpg")
    assert (photo.name, photo.suffix, str(photo.parent)) == ("a.jpg", ".jpg", "memory://archive/1931")
    assert str(photo.with_name("b.png")) == "memory://archive/1931/b.png"


def test_a_folder_of_a_store_is_searched_as_one_of_this_machine(store, tmp_path):
    names = [
        "b.png",
        "a.jpg",
        ".hidden.png",
        "notes.txt",
        "1931/z.png",
        "1931/@eaDir/a.png",
        ".git/a.png",
        "1931/07/a.tif",
    ]
    put(store, *(f"/archive/{name}" for name in names))
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for recursive in (False, True):
        here = find_pictures([str(tmp_path)], recursive=recursive).sources
        there = find_pictures(["memory://archive"], recursive=recursive).sources
        assert [(source.path.name, source.below.as_posix()) for source in there] == [
            (source.path.name, source.below.as_posix()) for source in here
        ]
    assert [str(source.path) for source in find_pictures(["memory://archive/*/z.*"]).sources] == [
        "memory://archive/1931/z.png"
    ]
    with pytest.raises(ImageError, match="no image found"):
        find_pictures(["memory://archive/2020"])


def test_results_in_a_store_are_planned_as_those_in_a_folder(store):
    put(store, "/in/a.png", "/in/sub/a.bmp", "/in/sub/a.png", "/out/a.png")
    sources = find_pictures(["memory://in"], recursive=True).sources
    with pytest.raises(ImageError, match=r"'memory://out/a\.png' is already there"):
        plan_jobs(sources, Output("memory://out"))
    jobs, left_out = plan_jobs(sources, Output("memory://out", skip_existing=True))
    assert left_out == 1
    assert [str(job.target) for job in jobs] == ["memory://out/sub/a.png", "memory://out/sub/a-2.png"]
    with pytest.raises(ImageError, match="the input itself"):
        plan_jobs(sources, Output("memory://in", overwrite=True))


@pytest.mark.parametrize("output", ["memory://out", "out"])
def test_what_a_stopped_run_did_is_left_out_and_what_it_only_planned_is_replaced(store, output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(store, "/in/a.png", "/in/b.png", "/in/c.png", "/out/a.png", "/out/b.png")
    (tmp_path / "out").mkdir()
    for name in "ab":
        (tmp_path / "out" / f"{name}.png").write_bytes(b"x")
    sources = find_pictures(["memory://in"]).sources
    earlier = Earlier(
        planned=frozenset({f"{output}/a.png", f"{output}/b.png"}),
        done=frozenset({f"{output}/a.png", f"{output}/c.png"}),  # somebody has removed c.png
    )
    jobs, left_out = plan_jobs(sources, Output(output), earlier)
    assert [job.source.name for job in jobs] == ["b.png", "c.png"] and left_out == 1
    everything, _ = plan_jobs(sources, Output(output, overwrite=True), earlier)
    assert len(everything) == 3
    with pytest.raises(ImageError, match="already there"):
        plan_jobs(sources, Output(output), Earlier(planned=frozenset({f"{output}/a.png"})))


def test_a_picture_in_a_store_gives_the_bytes_that_a_file_gives(store, checkpoint, portrait, tmp_path):
    Image.open(portrait).crop((128, 16, 336, 224)).save(tmp_path / "face.jpg")
    put(store, "/in/face.jpg", content=(tmp_path / "face.jpg").read_bytes())
    tools, files = load_tools(ToolOptions(checkpoint, aligned=True)), FileOptions(quality=90)
    here = Job(tmp_path / "face.jpg", tmp_path / "out.jpg", tmp_path / "pair.png", tmp_path / "faces")
    there = Job(*(place(f"memory://{name}") for name in ("in/face.jpg", "o/out.jpg", "o/pair.png", "o/faces")))
    done = [restore_job(job, tools, files) for job in (here, there)]
    assert done[0].text == done[1].text
    for path in (here.target, here.pair, *here.faces.iterdir()):
        name = path.relative_to(tmp_path).as_posix()
        assert store.cat_file(f"/o/{name}") == path.read_bytes()


def test_faces_of_an_earlier_run_go_and_what_else_lies_there_stays(store, checkpoint, portrait, tmp_path):
    Image.open(portrait).crop((128, 16, 336, 224)).save(tmp_path / "face.jpg")
    for name in ("07-before.png", "notes.txt", "sub/07-before.png"):
        put(store, f"/o/faces/{name}", content=b"there")
    tools = load_tools(ToolOptions(checkpoint, aligned=True))
    restore_job(Job(tmp_path / "face.jpg", place("memory://o/out.jpg"), None, place("memory://o/faces")), tools)
    assert sorted(store.find("/o/faces")) == [
        f"/o/faces/{name}" for name in ("00-after.png", "00-before.png", "notes.txt", "sub/07-before.png")
    ]


def test_faces_of_an_earlier_run_go_only_when_the_new_ones_are_there(store, tmp_path, monkeypatch):
    def full(self, *arguments, **options):
        raise PermissionError("quota exceeded")

    job = Job(tmp_path / "a.png", place("memory://o/a.png"), None, place("memory://o/faces"))
    put(store, "/o/faces/00-after.png", "/o/faces/01-after.png", content=b"earlier")
    monkeypatch.setattr(type(store), "put_file", full)
    with pytest.raises(ImageError, match="quota exceeded"), staged(job) as stage:
        stage.job.faces.mkdir(parents=True)
        (stage.job.faces / "00-after.png").write_bytes(b"new")
    assert sorted(store.find("/o/faces")) == ["/o/faces/00-after.png", "/o/faces/01-after.png"]
    assert store.cat_file("/o/faces/01-after.png") == b"earlier"


def test_a_result_that_is_there_stays_also_where_its_source_turns_out_to_move(store, checkpoint, tmp_path, capsys):
    from gpen_core.cli import main

    frames = [Image.new("RGB", (64, 64), (shade, 0, 0)) for shade in (0, 200)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    put(store, "/in/a.webp", content=(tmp_path / "a.webp").read_bytes())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.webp").write_bytes(b"there")
    asked = Output(f"{tmp_path}/out/", skip_existing=True, side_by_side=True)
    jobs, _ = plan_jobs(find_pictures(["memory://in"]).sources, asked)
    done = [restore_job(job, load_tools(ToolOptions(checkpoint, aligned=True))) for job in jobs]
    assert [(one.size, "stays" in one.text) for one in done] == [((64, 64), True)]
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.webp"]
    asked = ["restore", "memory://in", "-o", f"{tmp_path}/out/", "--model", str(checkpoint), "--aligned"]
    assert main([*asked, "--side-by-side", "--skip-existing"]) == 0
    assert f"{tmp_path}/out/a.webp (moving: it has nothing beside it" in capsys.readouterr().out
    assert (tmp_path / "out" / "a.webp").read_bytes() == b"there"


def test_messages_name_the_address_and_not_the_copy(store, checkpoint):
    put(store, "/in/text.png", content=b"text")
    tools, job = (
        load_tools(ToolOptions(checkpoint, aligned=True)),
        Job(place("memory://in/text.png"), place("memory://o/a.png")),
    )
    with pytest.raises(ImageError, match=r"text\.png"):
        restore_job(job, tools)
    assert not store.exists("/o")
    with pytest.raises(ImageError, match=r"memory://in/none\.png"):
        restore_job(Job(place("memory://in/none.png"), job.target), tools)


def test_a_transfer_that_failed_is_tried_again(store, tmp_path, monkeypatch):
    put(store, "/in/a.png", content=b"picture")
    real, calls = type(store).get_file, []

    def failing(self, *arguments, **options):
        calls.append(arguments)
        if len(calls) < 3:
            raise OSError("connection reset")
        return real(self, *arguments, **options)

    monkeypatch.setattr(type(store), "get_file", failing)
    monkeypatch.setattr("gpen_core.jobs.staging._WAIT", 0.0)
    job = Job(place("memory://in/a.png"), tmp_path / "a.png")
    with staged(job, retries=2) as stage:
        assert stage.job.source.read_bytes() == b"picture" and stage.job.target == tmp_path / "a.png"
    calls.clear()
    with pytest.raises(ImageError, match="connection reset"), staged(job, retries=1):
        pytest.fail("there is nothing to work on")


def test_the_plain_command_takes_addresses_too(store, checkpoint, portrait, tmp_path, capsys):
    from gpen_core.cli import main

    put(store, "/in/face.png", content=portrait.read_bytes())
    asked = ["restore", "memory://in", "-o", "memory://out", "--model", str(checkpoint), "--aligned", "--format", "jpg"]
    assert main(asked) == 0
    assert "memory://in/face.png → memory://out/face.jpg" in capsys.readouterr().out
    store.get_file("/out/face.jpg", str(tmp_path / "face.jpg"))
    assert load_picture(tmp_path / "face.jpg").pixels.shape == (3, 512, 512)
    assert main(asked) == 1 and "already there" in capsys.readouterr().err

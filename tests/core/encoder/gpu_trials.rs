//! A GPU that lies, crashes, hangs or is not there; and one that passes.

use std::os::unix::fs::PermissionsExt;

use super::*;

const CLI: &str = env!("CARGO_BIN_EXE_precedent-cli");

fn trial(program: &Path) -> Trial {
    let time_limit = Duration::from_secs(120);
    Trial { program: program.to_owned(), memory: None, time_limit }
}

/// A program that stands in for the child.
fn script(dir: &Path, body: &str) -> PathBuf {
    let path = dir.join("child.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a small file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

fn misbehaving(dir: &Path, how: &str) -> PathBuf {
    script(dir, &format!("PRECEDENT_GPU_TRIAL={how} exec '{CLI}' \"$@\""))
}

/// Whether this machine has an adapter for burn, a software one included.
fn an_adapter_exists(tiny: &TinyEncoder) -> bool {
    let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, &trial(CLI.as_ref()));
    let report = encoder.expect("a sound bundle").device();
    let found = report.name != "CPU (flex)";
    if !found {
        assert!(report.reason.contains("No graphics processor"), "{report:?}");
    }
    found
}

fn skipped(what: &str) {
    crate::skipped(format_args!("no graphics adapter here, not even a software one: {what}"));
}

#[test]
fn a_child_that_fails_in_any_way_leads_to_the_cpu_and_to_the_same_descriptors() {
    let tiny = TinyEncoder::new();
    let expected = describe(&tiny.open().expect("a sound bundle"));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let adapter = r#"{"name":"Some GPU","driver":"1","kind":"Discrete"}"#;
    let failures = [
        ("exit 3", "ended badly"),
        ("kill -SEGV $$", "ended badly"),
        ("sleep 60", "did not end within"),
        ("echo nonsense", "no answer that can be read"),
        ("exit 0", "no answer that can be read"),
        (
            &format!(r#"echo '{{"Answered":{{"adapter":{adapter},"answer":[0.0,1.0]}}}}'"#),
            "wrongly",
        ),
        (&format!(r#"echo '{{"Remembered":{adapter}}}'"#), "could not be started"),
        (r#"echo '{"NoAdapter":{"software":null}}'"#, "No graphics processor"),
        (r#"echo '{"NoAdapter":{"software":"llvmpipe"}}'"#, "llvmpipe"),
    ];
    for (body, sentence) in failures {
        let mut trial = trial(&script(dir.path(), body));
        if body.starts_with("sleep") {
            trial.time_limit = Duration::from_millis(300);
        }
        let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Auto, &trial);
        let encoder = encoder.expect("a sound bundle");
        let report = encoder.device();
        assert_eq!(report.name, "CPU (flex)", "{body}");
        assert!(report.reason.contains(sentence), "{body}: {}", report.reason);
        assert_eq!(describe(&encoder), expected, "{body}");
    }
    let nothing = trial(&dir.path().join("nothing"));
    let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, &nothing);
    assert!(encoder.expect("a sound bundle").device().reason.contains("could not be started"));
}

#[test]
fn a_trunk_that_answers_wrongly_or_crashes_on_a_real_driver_leads_to_the_cpu() {
    let tiny = TinyEncoder::new();
    if !an_adapter_exists(&tiny) {
        return skipped("a trunk that answers wrongly");
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (how, sentence) in [("wrong", "wrongly"), ("crash", "ended badly")] {
        let trial = trial(&misbehaving(dir.path(), how));
        let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, &trial);
        let report = encoder.expect("a sound bundle").device();
        assert_eq!(report.name, "CPU (flex)");
        assert!(report.reason.contains(sentence), "{}", report.reason);
    }
}

#[test]
fn a_driver_that_passes_gives_the_same_descriptors_and_is_remembered() {
    let tiny = TinyEncoder::new();
    if !an_adapter_exists(&tiny) {
        return skipped("descriptors from wgpu");
    }
    let memory = tiny.dir.path().join("cache/trials.json");
    let trial = Trial { memory: Some(memory.clone()), ..trial(CLI.as_ref()) };
    let open = |trial: &Trial| {
        Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, trial).expect("a sound bundle")
    };
    let encoder = open(&trial);
    assert_ne!(encoder.device().name, "CPU (flex)", "{:?}", encoder.device());
    let on_cpu = describe(&tiny.open().expect("a sound bundle"));
    for (gpu, cpu) in describe(&encoder).iter().zip(&on_cpu) {
        assert!(gpu.cosine(cpu) > 0.999, "{}", gpu.cosine(cpu));
    }
    let passes = std::fs::read_to_string(&memory).expect("the pass was written down");
    assert!(passes.contains(&encoder.device().name), "{passes}");
    assert_eq!(open(&trial).device(), encoder.device());
}

#[test]
fn a_software_adapter_is_never_chosen_of_itself() {
    let tiny = TinyEncoder::new();
    let auto = Encoder::open_with(&tiny.bundle(), DeviceChoice::Auto, &trial(CLI.as_ref()));
    let report = auto.expect("a sound bundle").device();
    assert!(!report.name.contains("llvmpipe"), "{report:?}");
}

#[test]
fn vgg16_passes_its_trial_on_whatever_driver_there_is() {
    let tiny = TinyEncoder::new();
    if !an_adapter_exists(&tiny) {
        return skipped("VGG-16 on wgpu against the published activations and flex");
    }
    let output = std::process::Command::new(CLI)
        .args(["--gpu-trial", "gpu", "vgg16"])
        .arg(shipped_trunk().path())
        .output()
        .expect("our own program");
    assert!(output.status.success(), "{output:?}");
    let reply: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one line of JSON");
    let answer: Vec<f32> =
        serde_json::from_value(reply["Answered"]["answer"].clone()).expect("an answer");
    let (file, vgg) = (shipped_trunk(), Architecture::Vgg16);
    let fixture = Fixture::open(&Fixture::path_beside(file.path(), vgg), vgg);
    let fixture = fixture.expect("the fixture that ships");
    assert!(fixture.error(&answer) < 1e-3, "off by {}", fixture.error(&answer));
    let flex = Trunk::load(&file, vgg, Input::Rgb, &Device::flex()).expect("the trunk");
    let on_flex = fixture.answer(&flex).expect("flex runs everywhere");
    let unit = |values: &[f32]| Descriptor::normalized(values.to_vec()).expect("not zero");
    assert!(unit(&answer).cosine(&unit(&on_flex)) > 0.9999);
}

#[test]
fn without_a_vulkan_loader_the_cpu_is_used_and_nothing_panics() {
    let tiny = TinyEncoder::new();
    let dir = tempfile::tempdir().expect("a temporary folder");
    // No driver to be found stands for no loader: the loader then offers nothing.
    let body = format!(
        "VK_ICD_FILENAMES=/nowhere.json VK_DRIVER_FILES=/nowhere.json __EGL_VENDOR_LIBRARY_FILENAMES=/nowhere.json exec '{CLI}' \"$@\""
    );
    let program = script(dir.path(), &body);
    let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, &trial(&program));
    let report = encoder.expect("a sound bundle").device();
    assert_eq!(report.name, "CPU (flex)");
    assert!(report.reason.contains("No graphics processor"), "{}", report.reason);
}

use super::*;
use crate::group::{AcceleratorRules, GroupSpec, split};
use crate::network::{caffe, catalog};
use crate::problem::{GroupId, PoseOptions};
use crate::profile::model;

struct Fixture {
    platform: Platform,
    networks: Vec<Network>,
    problem: Problem,
}

impl Fixture {
    /// AlexNet and GoogLeNet, in two groups and a tail each, on the built-in Xavier.
    fn new() -> Self {
        let platform = crate::artifact::builtin::platform("xavier_agx").unwrap();
        let networks = ["alexnet", "googlenet"].map(|name| {
            let entry = catalog::find(name).unwrap();
            caffe::parse(entry.text, entry.name, entry.title).unwrap()
        });
        let rules: Vec<AcceleratorRules> = platform.accelerators.iter().map(AcceleratorRules::from).collect();
        let profile = |network| model(network, &platform, &split(network, &rules, &GroupSpec::AtMost(2)).unwrap());
        let profiles: Vec<_> = networks.iter().map(profile).collect();
        let problem = Problem::pose(&profiles.iter().collect::<Vec<_>>(), &platform, &PoseOptions::default()).unwrap();
        Self { networks: networks.into(), problem, platform }
    }

    fn with<T>(&self, plan: impl FnOnce(Planner) -> T) -> T {
        let places = places(&self.platform, &self.problem.machines).unwrap();
        let networks: Vec<&Network> = self.networks.iter().collect();
        plan(Planner { problem: &self.problem, networks: &networks, places: &places })
    }

    /// Groups of both tasks on these accelerators, in this order on each.
    fn decision(&self, placement: [&[usize]; 2], starts: &[(usize, usize)]) -> Decision {
        let mut order = vec![Vec::new(); self.problem.machines.len()];
        for &(task, group) in starts {
            order[placement[task][group]].push(GroupId { task, group });
        }
        let placement: Vec<Vec<usize>> = placement.iter().map(|groups| groups.to_vec()).collect();
        for (task, groups) in placement.iter().enumerate() {
            assert_eq!(groups.len(), self.problem.tasks[task].groups.len());
        }
        Decision { placement, order }
    }

    fn cut(&self, task: usize, group: usize) -> usize {
        self.problem.tasks[task].groups[group].layers.first
    }
}

fn names(plan: &ProgramPlan) -> Vec<String> {
    plan.engines.iter().map(|engine| engine.spec.stem()).collect()
}

fn lanes(plan: &ProgramPlan) -> Vec<(&str, &[usize])> {
    plan.lanes.iter().map(|lane| (lane.name.as_str(), lane.order.as_slice())).collect()
}

#[test]
fn a_segment_is_an_engine_and_a_whole_network_the_plain_one() {
    let fixture = Fixture::new();
    let n_groups = fixture.problem.tasks.iter().map(|task| task.groups.len()).collect::<Vec<_>>();
    assert_eq!(n_groups, [3, 3]);
    let decision = fixture.decision([&[0, 0, 0], &[1, 1, 0]], &[(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    let plan = fixture.with(|planner| planner.segments(&decision));
    let cut = fixture.cut(1, 2);
    assert_eq!(
        names(&plan),
        [
            "alexnet_gpu_transition_at_-1".to_owned(),
            format!("googlenet_dla_segment_at_0_to_{cut}"),
            format!("googlenet_gpu_segment_at_{cut}_to_141"),
        ]
    );
    assert_eq!(lanes(&plan), [("gpu", &[0, 2][..]), ("dla", &[1][..])]);
    // The DLA's output and the GPU's input are one tensor in one place; so nothing is copied between them.
    assert_eq!(plan.engines[1].tensors.written, plan.engines[2].tensors.read);
    assert_eq!((plan.engines[1].task, plan.engines[2].task), (1, 1));
    assert_eq!(plan.engines[1].tensors.inputs, ["data"]);
    assert_eq!(plan.works[2].after, [1]);
}

#[test]
fn a_task_between_cuts_the_engine_of_another_one_on_the_same_accelerator() {
    let fixture = Fixture::new();
    let decision = fixture.decision([&[0, 0, 0], &[0, 0, 0]], &[(0, 0), (1, 0), (1, 1), (1, 2), (0, 1), (0, 2)]);
    let plan = fixture.with(|planner| planner.segments(&decision));
    let cut = fixture.cut(0, 1);
    assert_eq!(
        names(&plan),
        [
            format!("alexnet_gpu_segment_at_0_to_{cut}"),
            format!("alexnet_gpu_segment_at_{cut}_to_21"),
            "googlenet_gpu_transition_at_-1".to_owned(),
        ]
    );
    assert_eq!(lanes(&plan), [("gpu", &[0, 2, 1][..])]);
}

#[test]
fn one_engine_a_network_has_its_transition_inside_and_a_lane_of_its_own() {
    let mut fixture = Fixture::new();
    // Without a tail, AlexNet leaves the GPU for good.
    fixture.problem.tasks[0].groups.iter_mut().for_each(|group| group.tail = false);
    let decision = fixture.decision([&[0, 1, 1], &[1, 0, 0]], &[(0, 0), (1, 0), (0, 1), (0, 2), (1, 1), (1, 2)]);
    let plan = fixture.with(|planner| planner.whole(&decision)).unwrap();
    let [first, second] = [fixture.cut(0, 1), fixture.cut(1, 1)];
    let expected = [format!("alexnet_gpu_transition_at_{first}"), format!("googlenet_dla_transition_at_{second}")];
    assert_eq!(names(&plan), expected);
    assert_eq!(lanes(&plan), [("gpu+dla", &[0][..]), ("dla+gpu", &[1][..])]);
    assert!(plan.works.iter().all(|work| work.after.is_empty()));
    assert_eq!(plan.works[1].layers, LayerRange { first: 0, last: 141 });
}

#[test]
fn a_network_that_begins_after_another_one_waits_for_its_engine() {
    let fixture = Fixture::new();
    let serial = fixture.decision([&[0, 0, 0], &[0, 0, 0]], &[(1, 0), (1, 1), (1, 2), (0, 0), (0, 1), (0, 2)]);
    let plan = fixture.with(|planner| planner.whole(&serial)).unwrap();
    assert_eq!(names(&plan), ["alexnet_gpu_transition_at_-1", "googlenet_gpu_transition_at_-1"]);
    assert_eq!((plan.works[0].after.as_slice(), plan.works[1].after.as_slice()), (&[1][..], &[][..]));
    let inside = fixture.decision([&[0, 1, 0], &[0, 0, 0]], &[(0, 0), (1, 0), (1, 1), (1, 2), (0, 1), (0, 2)]);
    let refusal = fixture.with(|planner| planner.whole(&inside)).unwrap_err().to_string();
    let layers = fixture.problem.tasks[1].groups[0].layers;
    let words =
        format!("layers {layers} of `googlenet` stand between groups of `alexnet` on `gpu`, which run in one engine");
    assert_eq!(refusal, words);
}

#[test]
fn a_network_that_begins_where_another_one_changes_is_refused() {
    let mut fixture = Fixture::new();
    fixture.problem.tasks[0].groups.iter_mut().for_each(|group| group.tail = false);
    let decision = fixture.decision([&[0, 1, 1], &[0, 0, 0]], &[(0, 0), (1, 0), (1, 1), (1, 2), (0, 1), (0, 2)]);
    let refusal = fixture.with(|planner| planner.whole(&decision)).unwrap_err().to_string();
    let layers = fixture.problem.tasks[0].groups[0].layers;
    let words = format!(
        "task `googlenet` begins after layers {layers} of `alexnet`, whose engine goes on elsewhere then: nobody sees when"
    );
    assert_eq!(refusal, words);
}

#[test]
fn the_streams_of_the_gpu_have_a_whole_network_each() {
    let fixture = Fixture::new();
    let plan = fixture.with(|planner| planner.streams());
    assert_eq!(names(&plan), ["alexnet_gpu_transition_at_-1", "googlenet_gpu_transition_at_-1"]);
    assert_eq!(lanes(&plan), [("GPU stream of alexnet", &[0][..]), ("GPU stream of googlenet", &[1][..])]);
    let alone = fixture.with(|planner| planner.alone(1));
    assert_eq!((names(&alone), alone.engines[0].task), (vec!["googlenet_gpu_transition_at_-1".to_owned()], 1));
}

#[test]
fn accelerators_are_the_gpu_and_the_cores_of_the_dla() {
    let Fixture { mut platform, problem, .. } = Fixture::new();
    let gpu = Place { device: Device::Gpu, dla_core: 0 };
    let dla = |dla_core| Place { device: Device::Dla, dla_core };
    assert_eq!(places(&platform, &problem.machines).unwrap(), [gpu, dla(0)]);
    let mut machines = problem.machines.clone();
    machines.push(Machine { name: "dla1".into(), ..machines[1].clone() });
    let second = crate::platform::Accelerator { name: "dla1".into(), ..platform.accelerators[1].clone() };
    platform.accelerators.push(second);
    assert_eq!(places(&platform, &machines).unwrap(), [gpu, dla(0), dla(1)]);
    let refuses = |kind, words: &str| {
        let mut platform = platform.clone();
        platform.accelerators[1].kind = kind;
        assert_eq!(places(&platform, &machines).unwrap_err().to_string(), words);
    };
    let words = "accelerator `dla` of platform `xavier_agx` is a second GPU: TensorRT runs on the first one only";
    refuses(AcceleratorKind::Gpu, words);
    let words = "accelerator `dla` of platform `xavier_agx` is a cpu: TensorRT runs on a GPU and its DLAs";
    refuses(AcceleratorKind::Cpu, words);
    machines[2].name = "npu".into();
    let refusal = places(&platform, &machines).unwrap_err().to_string();
    assert_eq!(refusal, "platform `xavier_agx` has no accelerator `npu`");
}

#[test]
fn one_engine_has_one_core_of_the_dla() {
    let mut fixture = Fixture::new();
    fixture.problem.machines.push(Machine { name: "dla1".into(), ..fixture.problem.machines[1].clone() });
    let second = crate::platform::Accelerator { name: "dla1".into(), ..fixture.platform.accelerators[1].clone() };
    fixture.platform.accelerators.push(second);
    let decision = fixture.decision([&[1, 2, 0], &[0, 0, 0]], &[(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (0, 2)]);
    let refusal = fixture.with(|planner| planner.whole(&decision)).unwrap_err().to_string();
    assert_eq!(refusal, "task `alexnet` uses two DLA cores, and one engine has one");
    let segments = fixture.with(|planner| planner.segments(&decision));
    let [first, second, third] = [0, 1, 2].map(|group| fixture.cut(0, group));
    assert_eq!(names(&segments)[0], format!("alexnet_dla_segment_at_{first}_to_{second}"));
    assert_eq!(names(&segments)[1], format!("alexnet_dla_segment_at_{second}_to_{third}_core1"));
}

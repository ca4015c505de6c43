"""Training and the experiments of ``amper reproduce``: DQN on Gymnasium's environments, and the Blind Cliffwalk."""
